// The field under a channel or thread.

import { fill, h, icon, iconButton } from "./dom.js";
import { emojiTable, OFFERED } from "./emoji.js";
import { size } from "./files.js";
import { suggest } from "./suggest.js";
import { withMentions } from "./text.js";
import { toast } from "./toast.js";

const MARKS = [
  ["bold", "Bold", "*"],
  ["italic", "Italic", "_"],
  ["strike", "Strikethrough", "~"],
  ["code", "Code", "`"],
];

/**
 * `send(text, files)` says whether it got through. `command(line)` runs what begins with a slash; without it (in
 * threads) Slack runs none. `last()` goes to one's last message to change it. `below` is put beside the send button's row.
 */
export function makeComposer(ui, { label, placeholder, send, command, last, below }) {
  let files = [];
  let sending = false;
  const field = h("textarea", { class: "composer-field", rows: "1", "aria-label": label, placeholder });
  const chips = h("div", { class: "composer-files" });
  const chooser = h("input", { type: "file", multiple: true, hidden: true, tabIndex: -1, onchange: () => take(chooser.files) });
  const button = iconButton("send", "Send now", submit, { class: "send" });
  const faces = iconButton("smile", "Emoji", () => emojiTable(faces, (name) => insert(OFFERED.get(name)), { above: true }), { class: "tool" });
  const box = h(
    "div",
    { class: "composer" },
    h(
      "div",
      { class: "composer-marks", role: "toolbar", "aria-label": "Formatting" },
      MARKS.map(([name, title, mark]) => iconButton(name, title, () => wrap(mark), { class: "tool" })),
    ),
    h("div", { class: "composer-middle" }, field),
    chips,
    h(
      "div",
      { class: "composer-foot" },
      iconButton("clip", "Attach files", () => chooser.click(), { class: "tool" }),
      faces,
      iconButton("at", "Mention someone", () => insert("@"), { class: "tool" }),
      h("span", { class: "grow" }),
      button,
    ),
    below,
    chooser,
  );

  function look() {
    button.disabled = sending || !(field.value.trim() || files.length);
    button.classList.toggle("ready", !button.disabled);
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, 220)}px`;
  }

  function insert(sign) {
    const at = field.selectionStart;
    const gap = at && !/\s/.test(field.value[at - 1]) ? " " : "";
    field.focus();
    field.setRangeText(gap + sign, at, field.selectionEnd, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function wrap(mark) {
    const { selectionStart: from, selectionEnd: to, value } = field;
    field.setRangeText(mark + value.slice(from, to) + mark, from, to);
    field.focus();
    field.setSelectionRange(from + 1, to + 1);
    look();
  }

  function take(more) {
    files = [...files, ...more];
    chooser.value = "";
    drawFiles();
    field.focus();
  }

  function drawFiles() {
    fill(
      chips,
      files.map((one) =>
        h(
          "span",
          { class: "file-chip" },
          icon("file"),
          h("span", {}, one.name),
          h("small", {}, size(one.size)),
          iconButton("close", `Remove ${one.name}`, () => {
            files = files.filter((other) => other !== one);
            drawFiles();
          }),
        ),
      ),
    );
    look();
  }

  async function submit() {
    const text = field.value.trim();
    const kept = { value: field.value, files };
    if (sending || !(text || files.length)) return;
    const slash = /^\/(\w[\w-]*)(?:\s|$)/.exec(text);
    if (slash && !files.length && !mayRun(`/${slash[1]}`)) return;
    sending = true;
    clear();
    field.focus();
    const fine = slash && !kept.files.length ? await run(text, `/${slash[1]}`) : await send(withMentions(text, ui.state.users), kept.files);
    sending = false;
    if (!fine && !field.value && !files.length) {
      field.value = kept.value; // what did not get through is not lost
      files = kept.files;
    }
    drawFiles();
  }

  function clear() {
    field.value = "";
    files = [];
    drawFiles();
  }

  function mayRun(name) {
    if (!command) toast(`${name} is not supported in threads. Sorry! Write !${name.slice(1)} instead.`);
    else if (!ui.config.commands.some((one) => one.command === name)) toast(`${name} is not a valid command.`);
    else return true;
    return false;
  }

  async function run(line, name) {
    await command(name, withMentions(line.slice(name.length).trim(), ui.state.users));
    return true;
  }

  suggest(field, ui, { slashes: Boolean(command) });
  field.addEventListener("input", look);
  field.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      submit();
    } else if (event.key === "ArrowUp" && !field.value && last()) event.preventDefault();
  });
  field.addEventListener("paste", (event) => {
    if (!event.clipboardData?.files.length) return;
    event.preventDefault();
    take(event.clipboardData.files);
  });
  box.addEventListener("dragover", (event) => {
    event.preventDefault();
    box.classList.add("drop");
  });
  box.addEventListener("dragleave", () => box.classList.remove("drop"));
  box.addEventListener("drop", (event) => {
    event.preventDefault();
    box.classList.remove("drop");
    if (event.dataTransfer.files.length) take(event.dataTransfer.files);
  });
  look();
  return {
    element: box,
    focus: () => field.focus(),
    clear,
    rename(words) {
      field.placeholder = words;
      field.setAttribute("aria-label", words);
    },
  };
}
