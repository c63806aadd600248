// Where the visitor writes: grows with the text, keeps the draft, takes files by button, paste and drop.

import { element, icon } from "./text.js";

const SHOW_LEFT_BELOW = 200;
const COUNT_CHARACTERS = (text) => [...text].length;

/** `upload(file, progress)` gives {done, abort}; `on.send({text, files})` gets what is to be sent. */
export function composer({ dom, words, config, draft, upload, on }) {
  const { form, text, send, attach, file, chips, count, drop } = dom;
  const { say } = words;
  let uploads = [];

  // ---------------------------------------------------------------- text

  function measure() {
    text.style.setProperty("height", "auto");
    text.style.setProperty("height", `${text.scrollHeight}px`);
    const left = config.textLimit - COUNT_CHARACTERS(text.value.trim());
    count.classList.toggle("over", left < 0);
    count.textContent = left < 0 ? say("tooLong", { n: -left }) : left < SHOW_LEFT_BELOW ? say("left", { n: left }) : "";
    send.setAttribute("aria-disabled", String(!ready()));
  }

  function ready() {
    const written = text.value.trim();
    const stored = uploads.filter((one) => one.stored);
    const busy = uploads.some((one) => !one.stored && !one.wrong);
    return !busy && (written || stored.length > 0) && COUNT_CHARACTERS(written) <= config.textLimit;
  }

  function submit() {
    if (!ready()) return;
    const files = uploads.filter((one) => one.stored).map((one) => one.stored);
    on.send({ text: text.value.trim(), files });
    text.value = "";
    uploads = [];
    draft.remove("draft");
    redraw();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
    text.focus();
  });
  text.addEventListener("input", () => {
    draft.set("draft", text.value);
    measure();
  });
  text.addEventListener("keydown", (event) => {
    // Enter that ends the writing of a syllable (Chinese, Japanese, Korean) is not for us.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    submit();
  });

  // ---------------------------------------------------------------- files

  function add(files) {
    for (const one of files) {
      const room = config.filesPerMessage - uploads.filter((other) => !other.wrong).length;
      const entry = { file: one, share: 0, stored: null, wrong: "" };
      uploads.push(entry);
      if (room <= 0) entry.wrong = say("tooMany", { n: config.filesPerMessage });
      else if (one.size > config.fileLimit) entry.wrong = say("tooBig", { size: words.size(config.fileLimit) });
      else begin(entry);
    }
    redraw();
  }

  async function begin(entry) {
    if (entry.file.type.startsWith("image/")) entry.preview = URL.createObjectURL(entry.file);
    try {
      const task = await upload(entry.file, (share) => {
        entry.share = share;
        entry.bar?.setAttribute("value", String(share));
      });
      entry.abort = task.abort;
      const stored = await task.done;
      const safe = /^image\/(png|jpeg|gif|webp)$/.test(stored.content_type);
      entry.stored = {
        id: stored.file,
        name: stored.name,
        size: stored.size,
        content_type: stored.content_type,
        url: safe ? entry.preview : undefined,
        preview: safe,
      };
    } catch (error) {
      entry.wrong = reason(error);
    }
    redraw();
  }

  function reason(error) {
    if (error.status === 413) return say("tooBig", { size: words.size(config.fileLimit) });
    return say(error.status === 415 ? "refusedType" : "uploadFailed");
  }

  function redraw() {
    chips.replaceChildren(...uploads.map(chip));
    chips.hidden = uploads.length === 0;
    measure();
  }

  function chip(entry) {
    const made = element("li", { class: entry.wrong ? "chip wrong" : "chip" });
    if (entry.preview && !entry.wrong) made.append(element("img", { src: entry.preview, alt: "" }));
    made.append(element("span", { dir: "auto" }, entry.file.name));
    made.append(element("small", entry.wrong ? { role: "alert" } : {}, entry.wrong || words.size(entry.file.size)));
    const remove = element("button", { type: "button", "aria-label": say("remove", { name: entry.file.name }) }, icon("close"));
    remove.addEventListener("click", () => {
      entry.abort?.();
      uploads = uploads.filter((other) => other !== entry);
      redraw();
      text.focus();
    });
    made.append(remove);
    if (!entry.stored && !entry.wrong) {
      entry.bar = element("progress", { max: "1", value: String(entry.share), "aria-label": entry.file.name });
      made.append(entry.bar);
    }
    return made;
  }

  attach.addEventListener("click", () => file.click());
  file.addEventListener("change", () => {
    add([...file.files]);
    file.value = "";
    text.focus();
  });
  text.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files || [])];
    if (!files.length) return;
    event.preventDefault();
    add(files);
  });

  let inside = 0;
  const carriesFiles = (event) => !form.hidden && [...(event.dataTransfer?.types || [])].includes("Files");
  addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    inside += 1;
    drop.hidden = false;
  });
  addEventListener("dragleave", () => {
    inside = Math.max(0, inside - 1);
    drop.hidden = inside === 0;
  });
  // A file that is dropped beside must not replace the page.
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    inside = 0;
    drop.hidden = true;
    if (carriesFiles(event)) add([...event.dataTransfer.files]);
  });

  // Fast people have begun before this was loaded.
  if (!text.value) text.value = draft.get("draft") || "";
  measure();
  return {
    focus: () => text.focus({ preventScroll: true }),
    clear() {
      text.value = "";
      uploads = [];
      redraw();
    },
  };
}
