// Traces as pixels: drawn into one buffer, since paths of so many points take longer than a frame.

const HATCH_PX = 7;

/**
 * Return a painter of a canvas: {resize(width, height), clear(), trace(...), hatch(...), show(),
 * dots(...)}.
 *
 * Sizes are in CSS pixels; the buffer has as many as the screen, `density` for each.
 */
export function painterOf(canvas) {
  const context = canvas.getContext("2d");
  // Of one pixel, to ask what a colour is; a canvas that is read is slow to be drawn.
  const asked = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const inks = new Map();
  let image = null;
  let pixels = null;

  function resize(width, height) {
    const density = Math.min(2, Math.max(1, devicePixelRatio || 1));
    const [columns, rows] = [width, height].map((side) => Math.max(1, Math.round(side * density)));
    if (canvas.width !== columns || canvas.height !== rows || image === null) {
      Object.assign(canvas, { width: columns, height: rows });
      Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
      image = context.createImageData(columns, rows);
      pixels = new Uint32Array(image.data.buffer);
    }
    return { density, columns };
  }

  /** Return the bytes of a colour, as a pixel has them, with full opacity left out. */
  function inkOf(colour) {
    if (inks.has(colour)) return inks.get(colour);
    asked.fillStyle = colour;
    asked.fillRect(0, 0, 1, 1);
    const [red, green, blue] = asked.getImageData(0, 0, 1, 1).data;
    const ink = red | (green << 8) | (blue << 16);
    inks.set(colour, ink);
    return ink;
  }

  const size = () => [canvas.width, canvas.height];
  return {
    resize,
    clear: () => pixels.fill(0),
    hatch: (spans, colour) => paintHatch(pixels, size(), spans, inkOf(colour)),
    trace: (columns, how) => paintTrace(pixels, size(), columns, { ...how, ink: inkOf(how.colour) }),
    show: () => context.putImageData(image, 0, 0),
    dots(points, colour, side) {
      context.fillStyle = colour;
      for (const [x, y] of points) context.fillRect(x - side / 2, y - side / 2, side, side);
    },
  };
}

function paintHatch(pixels, [width, height], spans, ink) {
  const value = (ink | (90 << 24)) >>> 0;
  for (const [start, stop] of spans) {
    const end = Math.min(width, Math.ceil(stop));
    for (let x = Math.max(0, Math.floor(start)); x < end; x += 1) {
      for (let y = HATCH_PX - 1 - (x % HATCH_PX); y < height; y += HATCH_PX) pixels[y * width + x] = value;
    }
  }
}

/**
 * Paint columns as a line: `y = middle - (value - offset) * scale`, kept within `above` and `below`.
 *
 * At the columns of `breaks` it begins anew.
 */
function paintTrace(pixels, [width, height], { low, high }, how) {
  const { middle, offset, scale, thick, ink, breaks } = how;
  const [lowest, highest] = [middle + how.below, middle - how.above];
  const within = (value) => Math.min(lowest, Math.max(highest, middle - (value - offset) * scale));
  let above = NaN;
  let below = NaN;
  for (let x = 0; x < low.length; x += 1) {
    if (breaks[x]) above = below = NaN;
    const top = within(high[x]);
    const bottom = within(low[x]);
    // A line has no breaks: each column reaches to where the one before it ended.
    const start = top > below ? below : top;
    const end = bottom < above ? above : bottom;
    above = top;
    below = bottom;
    if (start <= end) paintColumn(pixels, width, height, x, start - thick / 2, end + thick / 2, ink);
  }
}

/** Paint a part of a column of pixels; those at its ends as strongly as they are covered. */
function paintColumn(pixels, width, height, x, top, bottom, ink) {
  const first = Math.max(0, Math.floor(top));
  const last = Math.min(height - 1, Math.ceil(bottom) - 1);
  const full = (ink | (255 << 24)) >>> 0;
  for (let y = first, at = first * width + x; y <= last; y += 1, at += width) {
    if (y >= top && y + 1 <= bottom) pixels[at] = full;
    else {
      const alpha = ((Math.min(y + 1, bottom) - Math.max(y, top)) * 255) | 0;
      if (alpha >= pixels[at] >>> 24) pixels[at] = (ink | (alpha << 24)) >>> 0;
    }
  }
}

/** Draw a thin line through points. */
export function paintTrail(context, points, colour) {
  context.beginPath();
  for (const [x, y] of points) context.lineTo(x, y);
  Object.assign(context, { strokeStyle: colour, lineWidth: 1, globalAlpha: 0.45 });
  context.stroke();
}
