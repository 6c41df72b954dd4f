// Requests and replies over whatever a host gives to talk to Python.
//
// A transport is {send(message, buffers), onMessage(receive) -> off, onLost(tell)}, where `receive`
// gets a message and its buffers as Uint8Arrays, and `tell` is called when nothing will arrive any
// more, by a host that knows. A widget's replies reach all of its views, so ids begin with the
// view's own name.

const PATIENCE_MS = 60_000;

/** What a notebook says of a Python that is silent; a page has other words for its server. */
export const NOTEBOOK_WORDS = Object.freeze({
  silent: "no answer from Python: is the kernel busy or gone?",
  slow: "Python has not answered yet: is the kernel busy or gone?",
  lost: "the kernel that this belongs to is gone: run the cell again",
  search: "Search words, or a filter: metadata.task=rest",
});

/** Rejects a request that a newer one of the same name has replaced. */
export class Superseded extends Error {}

/** Rejects a request whose answer cannot arrive any more. */
export class Lost extends Error {}

/** Rejects a request that Python refused; `kind` is the name of its error. */
export class Refused extends Error {
  constructor({ kind, message }) {
    super(message);
    this.kind = kind;
  }
}

/** Return the transport of an anywidget model, or of Panel's JSComponent. */
export function transportOf(model) {
  return typeof model.send_msg === "function" ? panelTransport(model) : anywidgetTransport(model);
}

function anywidgetTransport(model) {
  return {
    send: (message, buffers = []) => model.send(message, undefined, buffers.map(bufferOf)),
    onMessage(receive) {
      const listener = (message, buffers = []) => receive(message, buffers.map(bytesOf));
      model.on("msg:custom", listener);
      return () => model.off("msg:custom", listener);
    },
  };
}

export function panelTransport(model) {
  return {
    send: (message, buffers = []) => model.send_msg({ message, buffers: buffers.map(bufferOf) }),
    onMessage(receive) {
      const listener = ({ message, buffers = [] }) => receive(message, buffers.map(bytesOf));
      model.on("msg:custom", listener);
      return () => model.off("msg:custom", listener);
    },
    onLost: (tell) => model.document?.on_event?.("connection_lost", tell),
  };
}

const bytesOf = (buffer) =>
  ArrayBuffer.isView(buffer)
    ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    : new Uint8Array(buffer);

const bufferOf = (buffer) => bytesOf(buffer).slice().buffer;

/**
 * Return {call, on, close} over a transport.
 *
 * `call(type, args, {latest, buffers})` resolves to the reply, which has its buffers in `buffers`.
 * Of the calls with the same `latest` only one is under way, and of those that wait for it only the
 * newest follows; the others reject with `Superseded`. `on(push, listener)` returns what ends it;
 * the push "lost" is the connection's own.
 */
export function connect(transport, words = NOTEBOOK_WORDS) {
  const uid = Math.random().toString(36).slice(2, 8);
  const waiting = new Map();
  const listeners = new Map();
  const queues = new Map();
  let last = 0;
  let ended = null; // why nothing is asked any more

  function request(type, args, buffers) {
    if (ended) return Promise.reject(ended);
    const id = `${uid}:${(last += 1)}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(id);
        reject(new Error(words.silent));
      }, PATIENCE_MS);
      waiting.set(id, { resolve, reject, timer });
      try {
        transport.send({ ...args, id, type }, buffers);
      } catch {
        // A notebook whose kernel was restarted throws, in words for its programmers.
        clearTimeout(timer);
        waiting.delete(id);
        reject(new Error(words.lost));
      }
    });
  }

  async function newest(name, type, args, buffers) {
    const queue = queues.get(name) ?? { busy: Promise.resolve(), turn: 0 };
    queues.set(name, queue);
    const turn = (queue.turn += 1);
    await queue.busy;
    if (turn !== queue.turn) throw new Superseded(type);
    const answer = request(type, args, buffers);
    queue.busy = answer.then(
      () => undefined,
      () => undefined,
    );
    const reply = await answer;
    if (turn !== queue.turn) throw new Superseded(type);
    return reply;
  }

  function settle(message, buffers) {
    const call = waiting.get(message.id);
    if (call === undefined) return;
    waiting.delete(message.id);
    clearTimeout(call.timer);
    // A reply may have a text of that name, which is a part of the answer.
    if (message.error?.kind) call.reject(new Refused(message.error));
    else call.resolve({ ...message, buffers });
  }

  function abandon(error) {
    for (const { timer, reject } of waiting.values()) {
      clearTimeout(timer);
      reject(error);
    }
    waiting.clear();
  }

  const tell = (message, buffers) => {
    for (const listener of listeners.get(message.push) ?? []) listener(message, buffers);
  };
  const off = transport.onMessage((message, buffers) => {
    if (message.push === undefined) settle(message, buffers);
    else tell(message, buffers);
  });
  transport.onLost?.(() => {
    if (ended) return;
    ended = new Lost(words.lost);
    abandon(ended);
    tell({ push: "lost" }, []);
  });

  return {
    call: (type, args = {}, { latest, buffers = [] } = {}) =>
      latest === undefined ? request(type, args, buffers) : newest(latest, type, args, buffers),
    on(push, listener) {
      const all = listeners.get(push) ?? new Set();
      listeners.set(push, all.add(listener));
      return () => all.delete(listener);
    },
    close() {
      off();
      ended = new Superseded("closed");
      abandon(ended);
    },
  };
}
