// Pictures of a modality's samples: the least and the greatest value of each of many short cells.

const MARGIN = 0.25;
const MOST_POINTS = 4000;
const MOST_KEPT = 6;

/**
 * Return what asks for pictures and keeps the last few.
 *
 * `ask(of, args)` is the lane's; a picture is {first, last, start, step, points, width, minimum,
 * maximum, single}: `width` values for each cell, and `single` where a cell is one sample.
 */
export function pictureShelf(ask, { rate, length }) {
  const kept = [];
  const pending = new Map();
  const sameChannels = ([first, last]) => (each) => each.first === first && each.last === last;

  /** Return the pictures to draw of these channels, the coarse before the fine. */
  function of(channels, { from, to }) {
    const found = kept.filter(sameChannels(channels)).sort((one, other) => other.step - one.step);
    const exact = found.findLastIndex((each) => each.start <= from && endOf(each) >= to);
    return exact < 0 ? found : found.slice(exact);
  }

  /** Ask for what `view` shows unless it is here; return whether there is something new. */
  async function load(channels, view) {
    const wanted = wantedOf(view, { rate, length });
    const here = kept.find(
      (each) =>
        sameChannels(channels)(each) &&
        each.step <= ((view.to - view.from) / view.width) * 1.3 &&
        each.start <= view.from + each.step &&
        endOf(each) >= Math.min(view.to, length) - each.step,
    );
    if (here) {
      kept.push(...kept.splice(kept.indexOf(here), 1));
      return false;
    }
    // Two parts of a lane may want the same at once.
    const name = JSON.stringify([wanted, channels]);
    if (!pending.has(name)) pending.set(name, read(wanted, channels).finally(() => pending.delete(name)));
    await pending.get(name);
    return true;
  }

  async function read(wanted, channels) {
    const [reply, [low, high]] = await ask("window", { ...wanted, channels });
    kept.push(pictureFrom(reply, low, high, { channels, rate }));
    kept.splice(0, Math.max(0, kept.length - MOST_KEPT));
  }

  return { of, load };
}

const endOf = ({ start, step, points }) => start + step * points;

/** Return {start, stop, points} of a view with margins to pan into, cell by cell one sample if few. */
function wantedOf({ from, to, width }, { rate, length }) {
  const margin = (to - from) * MARGIN;
  const [start, stop] = [Math.max(0, from - margin), Math.min(length, to + margin)];
  const density = Math.min(2, Math.max(1, devicePixelRatio || 1));
  const points = Math.ceil((width * density * (stop - start)) / (to - from));
  if (rate && (stop - start) * rate <= points) {
    const [first, last] = [Math.floor(start * rate), Math.ceil(stop * rate) + 1];
    return { start: first / rate, stop: last / rate, points: last - first };
  }
  return { start, stop, points: Math.min(MOST_POINTS, Math.max(2, points)) };
}

function pictureFrom({ start, step, points }, low, high, { channels: [first, last], rate }) {
  const [minimum, maximum] = [floatsOf(low), floatsOf(high)];
  const width = Math.max(1, Math.round(minimum.length / Math.max(1, points)));
  const single = Boolean(rate) && step * rate < 1.01;
  return { first, last, start, step, points, width, minimum, maximum, single };
}

/** Return the numbers of bytes, which may begin anywhere in their buffer. */
const floatsOf = (bytes) => new Float32Array(bytes.slice().buffer, 0, Math.floor(bytes.byteLength / 4));
