// The team's side: a client like Slack's for one person at a time. Holds the parts together.

import { makeBlocks } from "./blocks.js";
import { ask } from "./dialog.js";
import { fill, h, icon, iconButton } from "./dom.js";
import { face } from "./face.js";
import { makeFeed } from "./feed.js";
import { makeHome, makeThreads } from "./home.js";
import { menu } from "./menu.js";
import { makeModal } from "./modal.js";
import { makeReads } from "./reads.js";
import { makeRoom, makeThread } from "./rooms.js";
import { makeSidebar } from "./sidebar.js";
import { makeText } from "./text.js";

const PARTS = { admin: "Admin", agent: "Agent", guest: "Guest, may not answer" };

export function makeTeam(root, config) {
  const at = (name) => root.querySelector(`[data-part="${name}"]`);
  const feed = makeFeed(show);
  const dismissed = new Set();

  const ui = {
    config,
    state: null,
    text: null,
    channel: null,
    place: config.support,
    thread: "",
    editing: "",
    editingInThread: false,
    act: feed.act,
    upload: feed.upload,
    go,
    openThread,
    actor: () => config.actors.find((one) => one.id === feed.user),
    ask: (words) => ask(at("overlays"), words),
    /** Shows one's message in a field; without `ts` no longer. */
    edit(ts, inThread = ui.editingInThread) {
      ui.editing = ts;
      ui.editingInThread = inThread;
      draw();
      if (!ts) ui.focusComposer(inThread);
    },
    dismiss(ts) {
      dismissed.add(ts);
      draw();
    },
    isShown: (one) => !dismissed.has(one.ts),
    focusComposer: (inThread) => (inThread && ui.thread ? thread : room).focus(),
    /** Blocks of a message, whose buttons tell the app which one they stand on. */
    blocks: ({ on, channel }) =>
      makeBlocks({
        text: ui.text,
        state: ui.state,
        on: {
          click: (one) => ui.act("click", { on, channel, what: one.action_id }),
          select: (one, block, value) => ui.act("select", { on, channel, what: one.action_id, value }),
          confirm: (confirm, act) => ui.confirm(confirm, act),
        },
      }),
    confirm: ({ title, text, confirm, deny, style }, act) =>
      ui.ask({ title: title.text, text: ui.text.object(text), confirm: confirm.text, deny: deny.text, danger: style === "danger", act }),
  };
  ui.reads = makeReads(ui);

  const sidebar = makeSidebar(at("sidebar"), ui);
  const room = makeRoom(ui);
  const thread = makeThread(ui, closeThread);
  const home = makeHome(ui);
  const threads = makeThreads(ui);
  const modal = makeModal(at("overlays"), ui);
  at("thread").append(thread.element);

  root.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-thread]");
    if (link) {
      event.preventDefault();
      if (ui.state.channels.some((one) => one.id === link.dataset.channel)) follow(link.dataset);
    }
    const inside = event.target.closest("[data-part=sidebar], .drawer-button");
    if (!inside) root.classList.remove("drawer");
  });
  root.addEventListener("keydown", (event) => event.key === "Escape" && root.classList.remove("drawer"));

  // ---------------------------------------------------------------- where one is

  function go(place) {
    const other = ui.place !== place;
    ui.place = place;
    ui.editing = "";
    root.classList.remove("drawer");
    if (other && ui.thread && place !== ui.config.support && place !== "threads") closeThread();
    if (place === "home") feed.act("home");
    draw();
    if (place.startsWith("C")) room.focus();
  }

  function openThread(ts) {
    ui.thread = ts;
    ui.editing = "";
    if (ui.place === "home") ui.place = ui.config.support;
    root.classList.add("has-thread");
    draw();
    thread.focus();
  }

  function follow({ channel, thread: ts }) {
    go(channel);
    openThread(ts);
  }

  function closeThread() {
    ui.thread = "";
    root.classList.remove("has-thread");
    draw();
  }

  // ---------------------------------------------------------------- who one is

  function be(actor) {
    ui.thread = "";
    ui.editing = "";
    root.classList.remove("has-thread");
    room.clear();
    feed.be(actor.id);
    if (ui.place === "home") feed.act("home");
  }

  function drawMe() {
    const me = ui.actor();
    const button = h(
      "button",
      { type: "button", class: "myself", "aria-haspopup": "menu", "aria-label": `You are ${me.name}, ${me.part}. Be somebody else`, data: { actor: me.id } },
      face(me.name, "small"),
      h("span", { class: "my-name" }, me.name),
      h("span", { class: "my-part" }, me.part),
      icon("down"),
    );
    button.addEventListener("click", () =>
      menu(
        button,
        "Be somebody else",
        [
          { title: "Be somebody else in the team" },
          ...config.actors.map((one) => ({ label: one.name, hint: PARTS[one.part], face: face(one.name, "tiny"), chosen: one.id === me.id, act: () => be(one) })),
        ],
      ),
    );
    if (at("me").firstChild?.dataset?.actor !== me.id) fill(at("me"), button);
  }

  // ---------------------------------------------------------------- drawing

  function show(state) {
    ui.state = state;
    ui.reads.begin(state);
    ui.text = makeText(state);
    if (press.held) press.late = true;
    else draw();
    root.dataset.ready = state.me;
  }

  // What is drawn anew between the press and the release of a button takes the click away with the old button.
  const press = { held: false, late: false };
  root.addEventListener("pointerdown", (event) => (press.held = event.button === 0), true);
  for (const kind of ["pointerup", "pointercancel"]) document.addEventListener(kind, () => setTimeout(release), true);
  window.addEventListener("blur", release);

  function release() {
    press.held = false;
    if (press.late) draw();
    press.late = false;
  }

  function drawHead() {
    const head = at("head");
    const people = ui.channel.members.length;
    const what = { home: ui.state.app.name, threads: "Threads" }[ui.place];
    const sign = `${ui.place} ${people} ${what}`;
    if (head.dataset.sign === sign) return;
    head.dataset.sign = sign;
    const drawer = iconButton("menu", "Channels", () => root.classList.toggle("drawer"), { class: "tool drawer-button" });
    if (what) fill(head, drawer, h("h2", {}, what));
    else {
      const count = h("span", { class: "members", title: `${people} members`, "aria-label": `${people} members` }, icon("people"), String(people));
      fill(head, drawer, h("h2", {}, icon("hash"), ui.channel.name), h("span", { class: "grow" }), count);
    }
  }

  function draw() {
    const { state } = ui;
    if (!state) return;
    const wanted = state.channels.find((one) => one.id === ui.place);
    const support = state.channels.find((one) => one.id === config.support) || state.channels[0];
    if (!wanted && ui.place.startsWith("C")) ui.place = support.id;
    ui.channel = wanted || support;
    drawMe();
    drawHead();
    // First what is read there, then where it is shown as unread.
    if (ui.thread) thread.draw();
    const middle = { home, threads }[ui.place] || room;
    const other = at("middle").firstChild !== middle.element;
    if (other) fill(at("middle"), middle.element);
    middle.draw();
    if (other) middle.shown?.();
    sidebar();
    modal.show(state.modal);
  }

  // What is said in words like "5 minutes ago" grows old.
  setInterval(draw, 60_000);
  be(config.actors[0]);
  return { be: (id) => be(config.actors.find((one) => one.id === id)) };
}
