// The chat bubble of a site: <script async src="https://…/livechat/NAME/widget.js"></script>
//
// It adds one element with a shadow root (so the site's styles stay outside) and, inside it, a frame on our own origin
// (so the site's scripts do). Styles are set through the CSSOM, which the site's content policy does not forbid.
//
// Options are data attributes of the script element: data-lang, data-theme (light, dark), data-color (#rrggbb),
// data-position (start, end), data-greeting, data-form (off, optional, required).
// The site may call sahut('open'), 'close', 'toggle', 'identify' with {user_id, hash, name, email, exp}, 'logout', and
// 'on' with an event (ready, open, close, message, unread) and a function; also before this file has loaded, through
//   window.sahut = window.sahut || function () { (sahut.q = sahut.q || []).push(arguments); };
(() => {
  "use strict";

  const early = window.sahut;
  if (early && early.mounted) return;

  const script = document.currentScript || document.querySelector('script[src*="/livechat/"][src*="/widget.js"]');
  if (!script) return;
  const base = new URL(".", script.src);
  const options = { ...script.dataset };

  const WORDS = {
    en: { open: "Open chat", close: "Close chat", frame: "Chat", unread: (n) => `Open chat, unread messages: ${n}` },
    id: { open: "Buka obrolan", close: "Tutup obrolan", frame: "Obrolan", unread: (n) => `Buka obrolan, pesan belum dibaca: ${n}` },
  };
  const language = (options.lang || document.documentElement.lang || navigator.language || "en").toLowerCase();
  const words = WORDS[language.split("-")[0]] || WORDS.en;

  const STYLE = `
    :host { all: initial; }
    * { box-sizing: border-box; }
    .bubble, .panel { position: fixed; z-index: 2147483000; inset-inline-end: 20px; }
    .start .bubble, .start .panel { inset-inline: 20px auto; }
    .bubble {
      inset-block-end: 20px; inline-size: 60px; block-size: 60px; padding: 0; border: 0; border-radius: 50%;
      display: grid; place-items: center; cursor: pointer; color: var(--on); background: var(--accent);
      background-image: linear-gradient(145deg, rgb(255 255 255 / .18), rgb(0 0 0 / .1));
      box-shadow: 0 1px 2px rgb(15 23 42 / .2), 0 10px 28px -6px rgb(15 23 42 / .38);
      transition: transform .2s cubic-bezier(.2, .9, .3, 1.3), box-shadow .2s; -webkit-tap-highlight-color: transparent;
    }
    .bubble:hover { transform: scale(1.06); }
    .bubble:active { transform: scale(.96); }
    .bubble:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; }
    .bubble svg { grid-area: 1 / 1; inline-size: 28px; block-size: 28px; transition: opacity .18s, transform .25s; }
    .bubble svg:last-of-type, .opened .bubble svg:first-of-type { opacity: 0; transform: rotate(-45deg) scale(.6); }
    .opened .bubble svg:last-of-type { opacity: 1; transform: none; }
    .badge {
      position: absolute; inset-block-start: -4px; inset-inline-end: -4px; min-inline-size: 22px; block-size: 22px;
      padding: 0 6px; border-radius: 11px; background: #d92d20; color: #fff; border: 2px solid #fff;
      font: 700 12px/18px system-ui, sans-serif; text-align: center; animation: pop .3s cubic-bezier(.2, .9, .3, 1.5);
    }
    .badge[hidden] { display: none; }
    .panel {
      inset-block-end: 96px; inline-size: 396px; block-size: min(720px, calc(100vh - 116px)); border-radius: 20px;
      overflow: hidden; background: var(--paper); box-shadow: 0 0 0 1px var(--edge), 0 24px 64px -12px rgb(15 23 42 / .35);
      transform-origin: 100% 100%; opacity: 0; visibility: hidden; transform: translateY(14px) scale(.97);
      transition: opacity .18s, transform .24s cubic-bezier(.2, .8, .2, 1), visibility 0s .24s;
    }
    .opened .panel { opacity: 1; visibility: visible; transform: none; transition-delay: 0s; }
    iframe { display: block; inline-size: 100%; block-size: 100%; border: 0; color-scheme: normal; background: transparent; }
    @media (max-width: 480px), (max-height: 480px) {
      .panel, .start .panel { inset: 0; inline-size: 100%; block-size: var(--seen, 100%); border-radius: 0; transform: translateY(24px); }
      .opened .bubble { display: none; }
    }
    @media (prefers-reduced-motion: reduce) {
      .bubble, .bubble svg, .panel, .opened .panel, .badge { transition: none; animation: none; }
    }
    @media (forced-colors: active) { .bubble, .panel { border: 2px solid ButtonText; } }
    @media print { .bubble, .panel { display: none; } }
    @keyframes pop { from { transform: scale(0); } }
  `;

  // ---------------------------------------------------------------- building

  function svg(...paths) {
    const space = "http://www.w3.org/2000/svg";
    const picture = document.createElementNS(space, "svg");
    picture.setAttribute("viewBox", "0 0 24 24");
    picture.setAttribute("aria-hidden", "true");
    for (const [d, fill] of paths) {
      const path = document.createElementNS(space, "path");
      path.setAttribute("d", d);
      path.setAttribute("fill", fill ? "currentColor" : "none");
      if (!fill) {
        path.setAttribute("stroke", "currentColor");
        path.setAttribute("stroke-width", "2.4");
        path.setAttribute("stroke-linecap", "round");
        path.setAttribute("stroke-linejoin", "round");
      }
      picture.append(path);
    }
    return picture;
  }

  // White or nearly black, whichever can be read better on the colour.
  function readableOn(colour) {
    const [r, g, b] = [1, 3, 5].map((at) => {
      const part = parseInt(colour.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    const light = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    return 1.05 / (light + 0.05) >= (light + 0.05) / 0.05 ? "#ffffff" : "#000000";
  }

  const colour = /^#[0-9a-f]{6}$/i.test(options.color || "") ? options.color : "#3b4fe0";
  const dark = options.theme === "dark" || (options.theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);

  const host = document.createElement("sahut-chat");
  for (const [name, value] of [["display", "block"], ["position", "static"], ["visibility", "visible"], ["opacity", "1"]]) {
    host.style.setProperty(name, value, "important");
  }
  const root = host.attachShadow({ mode: "open" });
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
  } catch {
    root.append(Object.assign(document.createElement("style"), { textContent: STYLE }));
  }

  const frame = document.createElement("div");
  frame.className = options.position === "start" ? "start" : "";
  frame.dir = getComputedStyle(document.documentElement).direction;
  frame.style.setProperty("--accent", colour);
  frame.style.setProperty("--on", readableOn(colour));
  frame.style.setProperty("--paper", dark ? "#15171c" : "#ffffff");
  frame.style.setProperty("--edge", dark ? "rgb(255 255 255 / .1)" : "rgb(15 23 42 / .06)");

  const bubble = document.createElement("button");
  bubble.type = "button";
  bubble.className = "bubble";
  bubble.setAttribute("aria-haspopup", "dialog");
  const badge = document.createElement("span");
  badge.className = "badge";
  badge.hidden = true;
  badge.setAttribute("aria-hidden", "true");
  bubble.append(
    svg(["M12 3C6.9 3 3 6.5 3 11c0 2.3 1 4.3 2.7 5.8L5 20.3a.6.6 0 0 0 .9.7l3.7-1.8c.8.2 1.6.3 2.4.3 5.1 0 9-3.6 9-8.2S17.1 3 12 3Z", true]),
    svg(["m6 9.5 6 6 6-6"]),
    badge,
  );
  const panel = document.createElement("div");
  panel.className = "panel";
  frame.append(panel, bubble);
  root.append(frame);

  // ---------------------------------------------------------------- the frame

  let page = null;
  let ready = false;
  let opened = false;
  let unread = 0;
  const waiting = [];
  const listeners = {};

  function load() {
    if (page) return;
    page = document.createElement("iframe");
    page.title = words.frame;
    page.allow = "clipboard-write";
    const asked = { lang: language, embedded: "1" };
    for (const name of ["theme", "color", "greeting", "form"]) if (options[name]) asked[name] = options[name];
    page.src = `${base.href}#${new URLSearchParams(asked)}`;
    panel.append(page);
  }

  function tell(type, value) {
    if (ready) page.contentWindow.postMessage({ sahut: 1, type, value }, base.origin);
    else waiting.push([type, value]);
  }

  function emit(name, value) {
    for (const listener of listeners[name] || []) {
      try {
        listener(value);
      } catch (error) {
        console.error(error);
      }
    }
  }

  function label() {
    bubble.setAttribute("aria-expanded", String(opened));
    bubble.setAttribute("aria-label", opened ? words.close : unread ? words.unread(unread) : words.open);
    badge.textContent = unread > 99 ? "99+" : String(unread);
    badge.hidden = opened || !unread;
  }

  function fit() {
    // On phones the keyboard covers the page instead of making it smaller.
    const seen = window.visualViewport;
    if (seen) frame.style.setProperty("--seen", `${Math.round(seen.height)}px`);
  }

  function open(focus = true) {
    load();
    if (!opened) {
      opened = true;
      frame.classList.add("opened");
      fit();
      label();
      emit("open");
    }
    tell("open", { focus });
    if (focus) page.focus();
  }

  function close(focus = true) {
    if (!opened) return;
    opened = false;
    frame.classList.remove("opened");
    label();
    tell("close");
    emit("close");
    if (focus) bubble.focus({ preventScroll: true });
  }

  const heard = {
    ready() {
      ready = true;
      if (opened && !waiting.some(([type]) => type === "open")) waiting.push(["open", { focus: false }]);
      for (const [type, value] of waiting.splice(0)) tell(type, value);
      emit("ready");
    },
    close: () => close(),
    unread(count) {
      if (!Number.isInteger(count) || count === unread) return;
      unread = count;
      label();
      emit("unread", unread);
    },
    message: (value) => emit("message", value),
    // For browsers that deny the frame a storage of its own: the visitor's chat with this site, kept by this site.
    keep(values) {
      try {
        localStorage.setItem(`sahut:${base.href}`, JSON.stringify(values));
      } catch {
        // Then it lasts as long as the page.
      }
    },
    recall() {
      let value = {};
      try {
        value = JSON.parse(localStorage.getItem(`sahut:${base.href}`)) || {};
      } catch {
        // Nothing is kept.
      }
      page.contentWindow.postMessage({ sahut: 1, type: "kept", value }, base.origin);
    },
  };

  addEventListener("message", (event) => {
    if (!page || event.source !== page.contentWindow || event.origin !== base.origin) return;
    const { sahut: ours, type, value } = event.data || {};
    if (ours === 1 && Object.hasOwn(heard, type)) heard[type](value);
  });

  bubble.addEventListener("click", () => (opened ? close() : open()));
  bubble.addEventListener("pointerenter", load, { once: true });
  bubble.addEventListener("keydown", (event) => event.key === "Escape" && close());
  window.visualViewport?.addEventListener("resize", fit);

  // ---------------------------------------------------------------- what the site may call

  const calls = {
    open: () => open(),
    close: () => close(false),
    toggle: () => (opened ? close(false) : open()),
    identify(person) {
      load();
      tell("identify", { ...person });
    },
    logout() {
      load();
      tell("logout");
    },
    on(name, listener) {
      if (typeof listener === "function") (listeners[name] ||= []).push(listener);
    },
  };

  function sahut(name, ...rest) {
    if (Object.hasOwn(calls, name)) calls[name](...rest);
    else console.warn(`sahut: unknown call ${String(name)}`);
  }
  sahut.mounted = true;
  window.sahut = sahut;

  // ---------------------------------------------------------------- into the page, and again when the page replaces itself

  let body = null;
  function mount() {
    if (!host.isConnected) {
      ready = false;
      page?.remove();
      const had = page;
      page = null;
      document.body.append(host);
      if (had) load();
    }
    if (body !== document.body) {
      body = document.body;
      watcher.observe(body, { childList: true });
    }
  }
  const watcher = new MutationObserver(() => document.body && mount());

  function start() {
    watcher.observe(document.documentElement, { childList: true });
    label();
    mount();
    for (const call of early?.q || []) sahut(...call);
    // The page in the frame knows of unread messages; it can wait until the site is done loading.
    const later = () => (window.requestIdleCallback || setTimeout)(load, { timeout: 3000 });
    if (document.readyState === "complete") later();
    else addEventListener("load", later, { once: true });
  }
  if (document.body) start();
  else document.addEventListener("DOMContentLoaded", start, { once: true });
})();
