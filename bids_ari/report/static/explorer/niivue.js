// All that is known here of NiiVue 0.69: its next version has other names for the same.
const GREY = 2; // kinds of voxels, as NIfTI numbers them
const COLORED = 2304;
const BRAIN = "brain";
const GLASS = 0.45; // of the brain: so much of the colour of a cluster it may take at most
const SCALE = 1.25; // as there is nothing but air at the edges
const FROM = [120, 20]; // degrees: from the left and in front, from above
const CROSS = [0.4, 0.95, 0.85, 1];

/** Run the library, once; the policy of the page allows this very script. */
async function runLibrary(library) {
  if (globalThis.niivue) return;
  const script = document.createElement("script");
  script.textContent = await library();
  document.head.append(script);
  if (!globalThis.niivue) throw new Error("its script was not run");
}

/**
 * Draw cubes in a canvas.
 *
 * `library` gives the text of the script. What comes back is all that the rest of the page may use.
 */
export async function openNiivue(library, canvas, cubes) {
  await runLibrary(library);
  const { Niivue, NVImage } = globalThis.niivue;
  const viewer = new Niivue({
    interactive: false, // no keys, no wheel that the page should have, no files dropped on it
    isNearestInterpolation: true,
    show3Dcrosshair: true,
    crosshairColor: CROSS,
    crosshairWidthUnit: "mm",
    crosshairWidth: 1.2,
    isOrientCube: true,
    backColor: [0, 0, 0, 1], // as what is not opaque is added to what is behind the canvas
    forceDevicePixelRatio: 1, // four times the pixels take four times as long where no GPU draws
    loadingText: "",
    logLevel: "error",
  });
  // it would interpolate colours in 3-D whatever it is told: only the brain (0) may be
  const { updateInterpolation } = viewer;
  viewer.updateInterpolation = (layer) => updateInterpolation.call(viewer, layer, layer === 0);
  await viewer.attachToCanvas(canvas);
  viewer.setSliceType(viewer.sliceTypeRender);
  viewer.setScale(SCALE);
  viewer.setRenderAzimuthElevation(...FROM);
  viewer.addColormap(BRAIN, { R: [0, 70, 235], G: [0, 70, 235], B: [0, 70, 235], A: [0, 12, 56], I: [0, 70, 255] });

  const { step, shape, origin } = cubes;
  const affine = [0, 1, 2].flatMap((i) => [0, 1, 2].map((j) => (i === j ? step : 0)).concat(origin[i]));
  const load = (values, kind, options) => NVImage.loadFromUrl({
    url: NVImage.createNiftiArray(shape, [step, step, step], [...affine, 0, 0, 0, 1], kind, values),
    name: "cubes.nii", // not a place: it is not loaded from anywhere
    ...options,
  });
  viewer.addVolume(await load(Uint8Array.from(cubes.shades), GREY, { colormap: BRAIN, cal_min: 0, cal_max: 255, opacity: GLASS }));
  viewer.addVolume(await load(new Uint8Array(4 * cubes.length), COLORED));

  return {
    /** Put the cross-hair to a point in mm; give the cubes new colours, of four bytes each, if there are any. */
    show(mm, colors) {
      viewer.scene.crosshairPos = viewer.mm2frac(mm);
      if (colors) {
        const clusters = viewer.volumes[1];
        clusters.img = new Uint8Array(colors.buffer);
        viewer.refreshLayers(clusters, 1); // the brain remains
      }
      viewer.drawScene();
    },
    /** Turn by degrees. */
    turn(aside, up) {
      const { renderAzimuth, renderElevation } = viewer.scene;
      viewer.setRenderAzimuthElevation(renderAzimuth + aside, Math.min(Math.max(renderElevation + up, -90), 90));
    },
    /** The matrix (by columns) that takes mm to clip space. */
    matrix() {
      const { renderAzimuth, renderElevation } = viewer.scene;
      return viewer.calculateMvpMatrix(null, [0, 0, canvas.width, canvas.height], renderAzimuth, renderElevation)[0];
    },
    close() {
      viewer.cleanup();
      viewer.gl.getExtension("WEBGL_lose_context")?.loseContext();
    },
  };
}
