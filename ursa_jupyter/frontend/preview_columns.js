// What pictures say for each column of pixels: the least and the greatest value, NaN where nothing.

/** Return {low, high} for `count` columns of [from, to], of the channel at `index` of the pictures. */
export function columnsOf(pictures, index, { from, to }, count) {
  const columns = { low: new Float32Array(count).fill(NaN), high: new Float32Array(count).fill(NaN) };
  for (const picture of pictures) fillFrom(picture, index, { from, size: (to - from) / count }, columns);
  return columns;
}

function fillFrom(picture, index, { from, size }, { low, high }) {
  const { start, step, points } = picture;
  const first = Math.max(0, Math.ceil((start - from) / size - 1e-6));
  const last = Math.min(low.length, Math.floor((start + step * points - from) / size + 1e-6));
  const fill = step <= size ? fromCells : picture.single ? fromSamples : fromCell;
  for (let column = first; column < last; column += 1) {
    const at = (from + column * size - start) / step;
    fill(picture, index, at, at + size / step, column, low, high);
  }
}

/** Fill a column from the several cells in it. */
function fromCells({ minimum, maximum, width, points }, index, at, until, column, low, high) {
  let least = Infinity;
  let most = -Infinity;
  const end = Math.min(points, Math.max(Math.floor(at) + 1, Math.round(until))) * width;
  for (let cell = Math.max(0, Math.round(at)) * width + index; cell < end; cell += width) {
    if (minimum[cell] < least) least = minimum[cell];
    if (maximum[cell] > most) most = maximum[cell];
  }
  low[column] = most < least ? NaN : least;
  high[column] = most < least ? NaN : most;
}

/** Fill a column that is a part of one cell, of which only the extent is known. */
function fromCell({ minimum, maximum, width, points }, index, at, _until, column, low, high) {
  const cell = Math.min(points - 1, Math.max(0, Math.floor(at)));
  [low[column], high[column]] = [minimum[cell * width + index], maximum[cell * width + index]];
}

/** Fill a column of the straight line between two samples. */
function fromSamples(picture, index, at, until, column, low, high) {
  const [one, other] = [lineAt(picture, index, at), lineAt(picture, index, until)];
  const corner = Math.ceil(at);
  const there = corner < until ? sampleAt(picture, index, corner) : one;
  low[column] = Math.min(one, other, there);
  high[column] = Math.max(one, other, there);
}

function lineAt(picture, index, at) {
  const cell = Math.floor(at);
  // Irregular samples leave a cell empty now and then, which is no gap.
  const from = nearest(picture, index, cell, -1);
  const to = nearest(picture, index, cell + 1, 1);
  const [before, after] = [sampleAt(picture, index, from), sampleAt(picture, index, to)];
  if (Number.isNaN(after)) return at - cell < 1e-6 ? before : NaN;
  return before + (after - before) * ((at - from) / (to - from));
}

const nearest = (picture, index, cell, step) =>
  Number.isNaN(sampleAt(picture, index, cell)) ? cell + step : cell;

const sampleAt = ({ minimum, width, points }, index, cell) =>
  cell >= 0 && cell < points ? minimum[cell * width + index] : NaN;

/** Return [seconds, value] of the single samples within [from, to]; none of coarser pictures. */
export function samplesOf(pictures, index, { from, to }) {
  const picture = pictures.at(-1);
  if (!picture?.single) return [];
  const { start, step, points } = picture;
  const found = [];
  const end = Math.min(points, Math.ceil((to - start) / step) + 1);
  for (let cell = Math.max(0, Math.floor((from - start) / step)); cell < end; cell += 1) {
    const value = sampleAt(picture, index, cell);
    if (!Number.isNaN(value)) found.push([start + cell * step, value]);
  }
  return found;
}

/** Return {least, most, middle, low, high, flat} of columns, or null where all is empty. */
export function measured({ low, high }) {
  const there = [];
  for (let column = 0; column < low.length; column += 1) {
    if (!Number.isNaN(low[column])) there.push(column);
  }
  if (there.length === 0) return null;
  const sorted = (value) => Float32Array.from(there, value).sort();
  const [below, above] = [sorted((column) => low[column]), sorted((column) => high[column])];
  const middles = sorted((column) => (low[column] + high[column]) / 2);
  const part = (values, share) => values[Math.min(values.length - 1, Math.floor(values.length * share))];
  const [least, most] = [below[0], above.at(-1)];
  return {
    ...{ least, most, flat: least === most, middle: part(middles, 0.5) },
    ...{ low: part(below, 0.02), high: part(above, 0.98) },
  };
}
