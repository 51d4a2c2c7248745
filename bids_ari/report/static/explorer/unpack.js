// Text in the page -> typed arrays. No DOM.

const KINDS = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array };

/** Tell whether this browser can decompress what the page holds. */
export function canUnpack() {
  return typeof DecompressionStream === "function" && typeof Response === "function";
}

/**
 * Decode base64, decompress gzip, and put the bytes of each array back together: they are stored
 * as all lowest bytes, then all of the next place, and so on.
 */
export async function unpack(text, described) {
  const bytes = await decompress(decodeBase64(text.trim()));
  const arrays = {};
  let offset = 0;
  for (const { name, bytes: width, length } of described) {
    const together = new Uint8Array(length * width);
    for (let place = 0; place < width; place++) {
      const plane = offset + place * length;
      for (let i = 0, at = place; i < length; i++, at += width) together[at] = bytes[plane + i];
    }
    arrays[name] = new KINDS[width](together.buffer);
    offset += length * width;
  }
  return arrays;
}

/** One bit per item, the first one in the highest place of its byte. */
export function unpackBits(bytes, length) {
  const bits = new Uint8Array(length);
  for (let i = 0; i < length; i++) bits[i] = (bytes[i >> 3] >> (7 - (i & 7))) & 1;
  return bits;
}

export function decodeBase64(text) {
  const decoded = atob(text);
  const bytes = new Uint8Array(decoded.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = decoded.charCodeAt(i);
  return bytes;
}

export async function decompress(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
