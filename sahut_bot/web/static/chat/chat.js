// The page of the chat: puts the parts together. Each part knows only what it is given here.

import { api as makeApi, ApiError, uuid } from "./api.js";
import { composer as makeComposer } from "./composer.js";
import { host as makeHost } from "./host.js";
import { intro as makeIntro } from "./intro.js";
import { link as makeLink } from "./link.js";
import { initials, log as makeLog } from "./log.js";
import { outbox as makeOutbox } from "./outbox.js";
import { reads as makeReads } from "./reads.js";
import { dress, trapFocus } from "./room.js";
import { follow } from "./scroll.js";
import { openStorage } from "./storage.js";
import { visitor as makeVisitor } from "./visitor.js";
import { speak, spoken } from "./words.js";

const at = (id) => document.getElementById(id);
const config = JSON.parse(at("config").textContent);
const asked = new URLSearchParams(location.hash.slice(1) || location.search);
const base = new URL(".", location.href);
const words = speak(spoken(asked.get("lang"), ...(asked.get("lang") ? [] : navigator.languages), config.language));
const { say } = words;
const form = ["off", "optional", "required"].includes(asked.get("form")) ? asked.get("form") : config.form;

const OFFLINE_AFTER = 3000; // shorter breaks are nobody's business

// ---------------------------------------------------------------- the parts

const api = makeApi(base);
const host = makeHost({
  origins: config.origins,
  on: {
    open: (value) => opened(value?.focus),
    close: () => reads.setOpen(false),
    identify: (person) => me.identify(person),
    logout,
  },
});
const storage = await openStorage(config.channel, host);

const log = makeLog({
  list: at("log"),
  words,
  on: {
    retry: (id) => outbox.retry(id),
    discard(id) {
      outbox.drop(id);
      log.forget(id);
    },
    shown(item, message) {
      if (!message.seen && !message.deleted) reads.expect(item.id, item.element);
    },
  },
});
const view = follow({
  scroll: at("scroll"),
  head: at("head"),
  content: [at("log"), at("typing")],
  jump: at("jump"),
  words,
});
const reads = makeReads({
  scroll: at("scroll"),
  on: {
    read: (ids) => link.confirm({ read: ids }),
    unread: (count) => {
      host.tell("unread", count);
      if (!host.embedded) document.title = count ? `(${count}) ${config.name}` : config.name;
    },
  },
});

const me = makeVisitor({
  api,
  storage,
  language: words.language,
  on: {
    changed: begin,
    token: (token) => link.start(token),
  },
});
const outbox = makeOutbox({ storage, send, on: { state: stood } });
const link = makeLink({
  base,
  api,
  on: {
    messages: arrived,
    typing: typing,
    online,
    refused: () => me.renew(me.token).catch(() => online(false)),
  },
});

const composer = makeComposer({
  dom: {
    form: at("composer"),
    text: at("text"),
    send: at("send"),
    attach: at("attach"),
    file: at("file"),
    chips: at("chips"),
    count: at("count"),
    drop: at("drop"),
  },
  words,
  config,
  draft: storage,
  async upload(file, progress) {
    return api.upload(await me.ready(), file, progress);
  },
  on: { send: write },
});
const intro = makeIntro({
  dom: {
    form: at("intro"),
    composer: at("composer"),
    ask: at("ask"),
    name: at("name"),
    email: at("email"),
    skip: at("skip"),
    begin: at("begin"),
    wrong: at("wrong"),
  },
  words,
  required: form === "required",
  async done(answers) {
    storage.set("asked", true);
    if (answers.name || answers.email) {
      await me.introduce(answers).catch((error) => {
        // Offline is no reason to keep anybody from writing.
        if (!(error instanceof ApiError) || !error.passing) throw error;
      });
    }
  },
  after: () => composer.focus(),
});

// ---------------------------------------------------------------- what happens

/** The page of somebody new, or of somebody else than before. */
function begin() {
  link.stop();
  log.clear();
  reads.clear();
  typing({ on: false });
  settled = false;
  at("log").setAttribute("aria-live", "off");
  for (const entry of outbox.entries) log.own(entry, entry.failed ? "failed" : "sending");
  log.arrange();
  const wanted = form !== "off" && !me.named && !(form === "optional" && (storage.get("asked") || me.known));
  intro.show(wanted);
  if (!me.known) settle();
}

function write({ text, files }) {
  view.toEnd();
  outbox.add({ id: uuid(), text, files, at: Date.now() });
  host.tell("message", { from: "customer" });
}

async function send(entry) {
  const token = await me.ready();
  const message = { id: entry.id, text: entry.text, attachments: entry.files.map((file) => file.id) };
  try {
    await api.send(token, message);
  } catch (error) {
    if (error.status !== 401) throw error;
    await api.send(await me.renew(token), message);
  }
}

function stood(entry, state, error) {
  log.own(entry, state);
  if (state === "waiting" && error?.status === 429) notice(say("slowDown"));
  else if (state === "sent") notice("");
  log.arrange();
}

function arrived(page) {
  let news = 0;
  for (const message of page.messages) {
    const isNew = log.take(message);
    if (message.from === "customer") outbox.drop(message.id);
    else if (isNew) news += 1;
  }
  if (news) typing({ on: false });
  if (page.messages.length) log.arrange();
  if (page.messages.some((message) => message.from === "agent")) link.confirm({ delivered: page.cursor });
  if (news && settled) {
    view.news(news);
    host.tell("message", { from: "agent" });
  }
  if (!page.more) settle();
}

// What was there before is not read out; only what comes from now on is news.
let settled = false;
function settle() {
  if (settled) return;
  settled = true;
  view.toEnd();
  requestAnimationFrame(() => at("log").setAttribute("aria-live", "polite"));
}

let typingEnd = 0;
function typing({ on, ttl = 0 }) {
  clearTimeout(typingEnd);
  at("typing").hidden = !on;
  at("typing").lastElementChild.textContent = on ? say("typing") : "";
  if (on) typingEnd = setTimeout(() => typing({ on: false }), Math.max(1, ttl) * 1000);
}

let offline = 0;
function online(yes) {
  clearTimeout(offline);
  if (yes) notice("");
  else offline = setTimeout(() => notice(say("offline")), OFFLINE_AFTER);
}

function notice(text) {
  at("notice").textContent = text;
  at("notice").hidden = !text;
}

function logout() {
  outbox.clear();
  composer.clear();
  storage.remove("asked", "draft");
  me.forget();
}

function opened(focus) {
  reads.setOpen(true);
  view.refresh();
  if (focus) (at("intro").hidden ? composer : intro).focus();
}

// ---------------------------------------------------------------- the page itself

dress({ at, asked, config, words, embedded: host.embedded, initials });
at("minimise").addEventListener("click", () => host.tell("close"));
if (host.embedded) trapFocus(at("panel"), () => host.tell("close"));

begin();
if (me.known) {
  me.refresh();
  link.start(me.token);
}
outbox.run();
host.tell("ready");
if (!host.embedded) opened(true);
