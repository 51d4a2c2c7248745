// Colours as 32-bit pixels (alpha, blue, green, red) and as CSS. No DOM.

/** By Okabe and Ito: told apart by people with any kind of colour vision. Black and grey are taken. */
const OKABE_ITO = ["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7"];
const NOTHING = "#9a9a9a";

export function pixel(red, green, blue, alpha = 255) {
  return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

function parseHex(hex) {
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
}

export function toPixel(hex, alpha = 255) {
  return pixel(...parseHex(hex), alpha);
}

function along(gradient, share) {
  const last = gradient.length - 1;
  return gradient[Math.min(last, Math.max(0, Math.round(share * last)))];
}

/** Colour of a bound on the TDP; grey where there is no discovery. */
export function colorOfTdp(colours, found, size) {
  return found > 0 ? along(colours.tdp, found / size) : NOTHING;
}

/** Colour of the cluster with a number, from 1. */
export function colorOfNumber(number) {
  return OKABE_ITO[(number - 1) % OKABE_ITO.length];
}

/** Pixels of z by height, one table for each sign, from the weakest shown to the highest. */
export function pixelsOfZ(colours, lowest, highest) {
  const table = (gradient) => {
    const pixels = new Uint32Array(highest + 1);
    const range = Math.max(1, highest - lowest);
    for (let q = 0; q <= highest; q++) pixels[q] = toPixel(along(gradient, (q - lowest) / range));
    return pixels;
  };
  return { positive: table(colours.positive), negative: table(colours.negative) };
}
