// What lies behind the clusters: the brain of the template, unpacked from one picture of its slices.
import { pixel } from "./colors.js";

const FAINT = 0.06; // a compressed picture is not quite empty outside of the brain

/** Decode the picture; null where there is no brain to draw. */
export async function loadBrain(sprite) {
  if (!sprite) return null;
  const picture = new Image();
  picture.src = sprite.uri;
  await picture.decode();
  const canvas = document.createElement("canvas");
  canvas.width = picture.naturalWidth;
  canvas.height = picture.naturalHeight;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const [nx, ny, nz] = sprite.shape;
  const values = new Uint8Array(nx * ny * nz);
  for (let z = 0, at = 0; z < nz; z++) {
    const left = (z % sprite.columns) * nx;
    const bottom = Math.floor(z / sprite.columns) * ny + ny - 1;
    for (let y = 0; y < ny; y++) {
      const row = (bottom - y) * canvas.width + left;
      for (let x = 0; x < nx; x++) values[at++] = data[4 * (row + x)];
    }
  }
  return { shape: sprite.shape, origin: sprite.origin, values, shades: shadesOfGrey() };
}

/** As the static pictures are shaded; faint values fade out, as a hard rim would be a dotted line. */
function shadesOfGrey() {
  return Uint32Array.from({ length: 256 }, (_, value) => {
    const grey = value / 255;
    const shade = 0.14 + 0.8 * Math.max(0, (grey - 0.15) / 0.85) ** 1.4;
    const alpha = Math.min(1, Math.max(0, (grey - FAINT) / (0.25 - FAINT)));
    const level = Math.round(255 * shade);
    return pixel(level, level, level, Math.round(255 * alpha));
  });
}

/** Draw the slice at a position in mm, one pixel for each mm, up is up or front. */
export function drawBrain(brain, context, { fixed, across, up, low, high }, at) {
  const { shape, origin, values, shades } = brain;
  const width = Math.round(high[across] - low[across]);
  const height = Math.round(high[up] - low[up]);
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const strides = [1, shape[0], shape[0] * shape[1]];
  const slice = Math.round(at - origin[fixed]);
  if (slice >= 0 && slice < shape[fixed]) {
    const first = [across, up].map((axis) => Math.round(low[axis] + 0.5 - origin[axis]));
    for (let y = 0; y < height; y++) {
      const v = first[1] + height - 1 - y;
      if (v < 0 || v >= shape[up]) continue;
      const row = slice * strides[fixed] + v * strides[up];
      for (let x = 0; x < width; x++) {
        const u = first[0] + x;
        if (u >= 0 && u < shape[across]) pixels[y * width + x] = shades[values[row + u * strides[across]]];
      }
    }
  }
  context.putImageData(image, 0, 0);
}
