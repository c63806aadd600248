// Block Kit blocks as elements.

import { fill, h, icon } from "./dom.js";
import { makeElements } from "./elements.js";

const LONG = 700; // characters after which Slack folds a section

/** `on` as for elements; `errors` by block id. */
export function makeBlocks({ text, state, on, kept, errors = {} }) {
  const element = makeElements({ text, state, on, kept, invalid: (block) => block.block_id in errors });

  function section(block) {
    const words = block.text && h("div", { class: "kit-text" }, text.object(block.text));
    const fields = block.fields && h("div", { class: "kit-fields" }, block.fields.map((one) => h("div", {}, text.object(one))));
    const accessory = block.accessory && h("div", { class: "kit-accessory" }, element(block.accessory, block));
    return h("div", { class: "kit-section" }, h("div", { class: "kit-body" }, words && folded(words), fields), accessory);
  }

  function folded(words) {
    if (words.textContent.length < LONG) return words;
    words.classList.add("folded");
    const more = h("button", { type: "button", class: "link", onclick: unfold }, "See more");
    function unfold() {
      words.classList.remove("folded");
      more.remove();
    }
    return [words, more];
  }

  function context(block) {
    const parts = block.elements.map((one) =>
      one.type === "image" ? element(one, block) : h("span", {}, text.object(one)),
    );
    return h("div", { class: "kit-context" }, parts);
  }

  function image(block) {
    const url = block.image_url || fileUrl(block.slack_file);
    const picture = url && h("img", { src: url, alt: block.alt_text, loading: "lazy" });
    return h("figure", { class: "kit-picture" }, block.title && h("figcaption", {}, text.object(block.title)), picture);
  }

  function input(block) {
    const id = `field-${block.block_id}`;
    const problem = errors[block.block_id];
    const label = block.label.text;
    const shown = element(block.element, block, label, problem ? `${id}-problem` : undefined);
    const title = h(
      "div",
      { class: "kit-label" },
      text.object(block.label),
      block.optional && h("span", { class: "optional" }, " (optional)"),
    );
    title.addEventListener("click", () => shown.querySelector("input")?.focus() ?? shown.focus());
    return h(
      "div",
      { class: problem ? "kit-input wrong" : "kit-input", data: { block: block.block_id } },
      title,
      shown,
      problem && h("div", { class: "kit-problem", id: `${id}-problem`, role: "alert" }, icon("alert"), h("span", {}, problem)),
      block.hint && h("div", { class: "kit-hint" }, text.object(block.hint)),
    );
  }

  const MAKE = {
    section,
    context,
    image,
    input,
    header: (block) => h("div", { class: "kit-header", role: "heading", "aria-level": "3" }, text.object(block.text)),
    divider: () => h("hr", { class: "kit-divider" }),
    actions: (block) => h("div", { class: "kit-actions" }, block.elements.map((one) => element(one, block))),
    rich_text: (block) => text.rich(block),
    markdown: (block) => h("div", { class: "kit-text" }, block.text),
  };

  return (blocks) => blocks.map((block) => (MAKE[block.type] ? MAKE[block.type](block) : fill(h("div"), `(${block.type})`)));
}

const fileUrl = (file) => (file?.id ? `/demo/files/${file.id}/picture` : "");
