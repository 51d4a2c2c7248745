// What is looked at as the end of an address, to be kept or sent. No DOM.

const PREFIX = "#explore:";
const MOST_NODES = 60;

/** As "#explore:z=3.1&at=30,-48,62"; after changes by hand the clusters themselves are listed. */
export function toHash({ cut, edited, nodes }, mm) {
  const chosen = cut.kind === "height" ? `z=${cut.value / 1000}` : `tdp=${cut.value / 1000}`;
  const clusters = edited && nodes.length <= MOST_NODES ? `&clusters=${nodes.join(",")}` : "";
  return `${PREFIX}${chosen}${clusters}&at=${mm.map((x) => Number(x.toFixed(1))).join(",")}`;
}

/** What an address asks for; null if it is about something else, or makes no sense. */
export function fromHash(hash) {
  if (!hash.startsWith(PREFIX)) return null;
  const parts = new Map(hash.slice(PREFIX.length).split("&").map((part) => part.split("=")));
  const thousandths = (text) => Math.round(1000 * Number(text));
  const kind = parts.has("tdp") ? "tdp" : "height";
  const value = thousandths(parts.get(kind === "tdp" ? "tdp" : "z") ?? "x");
  const limits = kind === "tdp" ? [1, 1000] : [0, 65535];
  if (!(value >= limits[0] && value <= limits[1])) return null;
  const numbers = (name) => (parts.get(name) ?? "").split(",").filter(Boolean).map(Number);
  const at = numbers("at");
  return {
    cut: { kind, value },
    nodes: numbers("clusters").filter(Number.isInteger),
    at: at.length === 3 && at.every(Number.isFinite) ? at : null,
  };
}
