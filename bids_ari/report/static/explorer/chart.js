// Canvases as sharp as the screen, in the colours of the page.

let onPaper = false;

/** On paper everything is drawn as on a light page. */
export function drawForPaper(yes) {
  onPaper = yes;
}

export function inkOf(element) {
  return onPaper ? "#000000" : getComputedStyle(element).color;
}

/** Clear a canvas and fit it to its place; lengths are in pixels of CSS from here on. */
export function prepare(canvas, height) {
  const scale = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  return { context, width, scale };
}
