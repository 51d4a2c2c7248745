// The selected cluster: its bound in words, what to do with it, its parts by region.
import { bar, element } from "./table.js";
import { describe, describeParts } from "./facts.js";
import { count, numberOf, proportion, sentence } from "./words.js";

const MOST_PARTS = 8;

export function createCard(view, root) {
  const { facts, state } = view;
  const find = (name) => root.querySelector(`[data-card="${name}"]`);
  const buttons = { split: find("split"), merge: find("merge"), undo: find("undo"), copy: find("copy") };
  for (const name of ["split", "merge", "undo"]) {
    buttons[name].addEventListener("click", () => {
      state[name]();
      view.goToSelected();
    });
  }
  buttons.copy.addEventListener("click", () => copy(buttons.copy, find("sentence")));
  const atlas = find("atlas");
  view.parcellations.forEach(({ name }, i) => atlas.append(new Option(name, String(i))));
  atlas.closest("label").hidden = view.parcellations.length < 2;
  atlas.addEventListener("change", () => {
    state.atlas = Number(atlas.value);
    state.changed();
  });

  return {
    draw() {
      const none = state.selected < 0;
      buttons.split.disabled = state.parts().length === 0;
      buttons.merge.disabled = state.whole() < 0;
      buttons.undo.disabled = !state.canUndo();
      buttons.copy.disabled = none;
      root.classList.toggle("empty", none);
      if (none) {
        find("title").textContent = "No cluster";
        find("bound").textContent = "";
        find("sentence").textContent = "No cluster meets the condition: choose a lower one.";
        find("parts").hidden = true;
        return;
      }
      const number = state.shown().indexOf(state.selected) + 1;
      const cluster = describe(view, state.selected, number);
      find("title").textContent = number ? `Cluster ${number}` : "Cluster";
      find("bound").textContent = `TDP ≥ ${proportion(cluster.found, cluster.voxels)}`;
      find("sentence").textContent = sentence(facts, cluster);
      drawParts(cluster);
    },
  };

  function drawParts(cluster) {
    const box = find("parts");
    const parts = describeParts(view, cluster.node);
    box.hidden = parts.length === 0;
    if (box.hidden) return;
    find("rows").replaceChildren(...parts.slice(0, MOST_PARTS).map((part) => {
      const name = element("th", "left wrap", part.name);
      name.scope = "row";
      return element("tr", "", [
        name,
        element("td", "left", bar(facts.colours, part.found, part.voxels)),
        element("td", "", count(part.found)),
        element("td", "", count(part.voxels)),
      ]);
    }));
    const sum = parts.reduce((total, part) => total + part.found, 0);
    const rest = parts.length > MOST_PARTS ? ` ${numberOf(parts.length - MOST_PARTS, "smaller part")} not listed.` : "";
    find("additivity").textContent = "Parts need not add up to the whole: the bounds of all parts sum to "
      + `${count(sum)}, the cluster as a whole holds at least ${count(cluster.found)}.${rest}`;
  }
}

/** Copy the text of an element, or select it where there is no clipboard. */
async function copy(button, source) {
  const said = button.textContent;
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(source);
    button.textContent = "Selected: press Ctrl or ⌘ + C";
  }
  setTimeout(() => { button.textContent = said; }, 2500);
}
