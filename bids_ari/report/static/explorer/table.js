// The clusters that are shown, as a table; a click or the button of a row selects its cluster.
import { describe } from "./facts.js";
import { colorOfNumber, colorOfTdp } from "./colors.js";
import { conditionOf, count, numberOf, position, proportion, signed } from "./words.js";

const MOST_ROWS = 40;

/** An element with text or children; text is never read as HTML. */
export function element(name, className = "", content = []) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...(Array.isArray(content) ? content : [content]));
  return made;
}

/** A bound with a bar as long and of the colour that it says. */
export function bar(colours, found, voxels) {
  const fill = element("i");
  fill.style.width = `${(100 * found) / voxels}%`;
  fill.style.background = colorOfTdp(colours, found, voxels);
  const track = element("span", "", fill);
  track.setAttribute("aria-hidden", "true");
  return element("div", "tdp", [element("b", "", proportion(found, voxels)), track]);
}

export function createTable(view, table) {
  const { facts, forest, state } = view;
  const body = table.tBodies[0];
  const twoSided = facts.alternative === "two-sided";
  const named = view.parcellations.length > 0;
  body.addEventListener("click", (event) => {
    const row = event.target.closest("tr");
    if (row) view.show(Number(row.dataset.node));
  });

  return {
    draw() {
      const focused = body.contains(document.activeElement) ? document.activeElement.closest("tr").dataset.node : null;
      const shown = state.shown();
      body.replaceChildren(...listed(shown).map((i) => makeRow(describe(view, shown[i], i + 1))));
      if (focused) body.querySelector(`[data-node="${focused}"] button`)?.focus({ preventScroll: true });
      table.caption.textContent = caption(shown);
    },
  };

  /** The first rows, and that of the selected cluster. */
  function listed(shown) {
    const rows = shown.slice(0, MOST_ROWS).map((_, i) => i);
    const selected = shown.indexOf(state.selected);
    if (selected >= MOST_ROWS) rows.push(selected);
    return rows;
  }

  function makeRow(cluster) {
    const selected = cluster.node === state.selected;
    const row = element("tr", selected ? "selected" : "");
    row.dataset.node = cluster.node;
    const chip = element("i", "ex-chip");
    chip.style.background = state.colour === "number"
      ? colorOfNumber(cluster.number)
      : colorOfTdp(facts.colours, cluster.found, cluster.voxels);
    const button = element("button", "", [chip, String(cluster.number)]);
    button.type = "button";
    button.setAttribute("aria-pressed", String(selected));
    button.setAttribute("aria-label", `cluster ${cluster.number}`);
    const head = element("th", "left", button);
    head.scope = "row";
    row.append(head);
    if (twoSided) row.append(element("td", "left", cluster.sign));
    row.append(
      element("td", "left", bar(facts.colours, cluster.found, cluster.voxels)),
      element("td", "", count(cluster.found)),
      element("td", "", count(cluster.voxels)),
      element("td", "", count(cluster.volume)),
      element("td", "", signed(cluster.z)),
      element("td", "", position(cluster.mm)),
    );
    if (named) row.append(element("td", "left wrap", cluster.region || "in no region"));
    return row;
  }

  function caption(shown) {
    const n = state.nodes.length;
    const found = state.nodes.filter((k) => forest.found[k] > 0).length;
    const where = conditionOf(facts.alternative, state.cut);
    const chosen = state.edited ? `changed by hand after ${where}` : where;
    const listing = shown.length > MOST_ROWS ? `; the first ${MOST_ROWS} are listed` : "";
    if (n === 0) return `No cluster (${chosen})`;
    return `${numberOf(n, "cluster")} (${chosen}), ${count(found)} with a discovery${listing}`;
  }
}
