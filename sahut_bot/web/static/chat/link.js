// Keeps the feed flowing: a WebSocket where one can be had, long polls where not, and always from the last cursor on.

const PING_SECONDS = 25;
const PONG_SECONDS = 10;
const OPENING_SECONDS = 8;
const TRIES_BEFORE_POLLING = 2;
const SOCKET_AGAIN_SECONDS = 60;
const UNAUTHORIZED = 4401;

/** `on` has messages(page), typing(typing), online(yes) and refused(). */
export function link({ base, api, on }) {
  let token = "";
  let cursor = "";
  let round = 0; // grows with each start and stop; what belongs to an older round is void
  let socket = null;
  let live = false; // the socket has greeted us
  let failures = 0;
  let abort = null;
  let retry = 0;
  let wake = null;

  const address = new URL("ws", base);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";

  function start(newToken) {
    stop();
    token = newToken;
    connect(round);
  }

  function stop() {
    round += 1;
    clearTimeout(retry);
    abort?.abort();
    wake?.();
    const old = socket;
    socket = null;
    live = false;
    failures = 0;
    cursor = "";
    old?.close();
  }

  function take(page) {
    cursor = page.cursor;
    on.messages(page);
  }

  // ---------------------------------------------------------------- socket

  function connect(mine) {
    if (mine !== round) return;
    let ws;
    try {
      ws = new WebSocket(address);
    } catch {
      lost(mine, 0);
      return;
    }
    socket = ws;
    let heard = true;
    const opening = setTimeout(() => ws.close(), OPENING_SECONDS * 1000);
    let pong = 0;
    const heartbeat = setInterval(() => {
      if (ws.readyState !== WebSocket.OPEN) return;
      heard = false;
      ws.send('{"type":"ping"}');
      clearTimeout(pong);
      pong = setTimeout(() => heard || ws.close(), PONG_SECONDS * 1000);
    }, PING_SECONDS * 1000);

    ws.onopen = () => ws.send(JSON.stringify({ type: "hello", token, after: cursor }));
    ws.onmessage = (event) => {
      if (socket !== ws) return;
      heard = true;
      const frame = JSON.parse(event.data);
      if (frame.type === "messages") {
        clearTimeout(opening);
        if (!live) {
          live = true;
          failures = 0;
          abort?.abort(); // the polls that stood in
          on.online(true);
        }
        take(frame);
      } else if (frame.type === "typing") {
        on.typing(frame);
      }
    };
    ws.onclose = (event) => {
      clearTimeout(opening);
      clearTimeout(pong);
      clearInterval(heartbeat);
      if (socket !== ws) return;
      socket = null;
      live = false;
      lost(mine, event.code);
    };
  }

  function lost(mine, code) {
    if (mine !== round) return;
    if (code === UNAUTHORIZED) {
      on.refused();
      return;
    }
    failures += 1;
    if (failures === TRIES_BEFORE_POLLING) poll(mine);
    if (failures < TRIES_BEFORE_POLLING) on.online(false);
    const seconds = failures < TRIES_BEFORE_POLLING ? 0.5 : SOCKET_AGAIN_SECONDS;
    retry = setTimeout(() => connect(mine), seconds * 1000 * (0.75 + Math.random() / 2));
  }

  // ---------------------------------------------------------------- long poll

  async function poll(mine) {
    let errors = 0;
    abort = new AbortController();
    const { signal } = abort;
    while (mine === round && !live) {
      try {
        const page = await api.poll(token, cursor, errors ? 0 : 25, signal);
        if (mine !== round || live) return;
        errors = 0;
        on.online(true);
        if (page.typing) on.typing(page.typing);
        take(page);
      } catch (error) {
        if (mine !== round || live) return;
        if (error.status === 401) {
          on.refused();
          return;
        }
        errors += 1;
        if (error.status !== 429) on.online(false);
        await pause(error.retryAfter || Math.min(20, 2 ** errors / 2));
      }
    }
  }

  /** Waits, but no longer than until there is reason to hope. */
  function pause(seconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, seconds * 1000 * (0.75 + Math.random() / 2));
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  function hope() {
    wake?.();
    if (token && !socket) {
      clearTimeout(retry);
      connect(round);
    }
  }
  addEventListener("online", hope);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && hope());

  return {
    start,
    stop,
    get started() {
      return Boolean(token);
    },
    /** Tells the server what has arrived and what was on the screen. */
    confirm(receipt) {
      if (live) socket.send(JSON.stringify({ type: "receipt", ...receipt }));
      else if (receipt.read) api.receipts(token, receipt).catch(() => {}); // a poll's next cursor confirms the rest
    },
  };
}
