// Slack's menus for choosing: a field that filters a list. One choice, or several as chips.

import { fill, h, icon } from "./dom.js";
import { place } from "./menu.js";

let count = 0;

/**
 * `options` are `{value, text, group}`. `changed(values)` is called with the chosen options.
 * `search(query)` may bring other options. The element's `values` are the chosen ones.
 */
export function picker({ label, options, chosen = [], several = false, most = Infinity, placeholder, changed, search, focus, invalid }) {
  const id = `picker-${(count += 1)}`;
  let values = [...chosen];
  let shown = [];
  let active = -1;
  let known = options;

  const list = h("ul", { class: "options", role: "listbox", id, "aria-label": label, hidden: true });
  const chips = h("span", { class: "chips" });
  const input = h("input", {
    type: "text",
    role: "combobox",
    autocomplete: "off",
    spellcheck: "false",
    "aria-label": label,
    "aria-controls": id,
    "aria-expanded": "false",
    "aria-autocomplete": "list",
    data: { focus },
  });
  if (invalid) input.setAttribute("aria-invalid", "true");
  const box = h("div", { class: several ? "picker several" : "picker" }, chips, input, icon("down"), list);

  function draw() {
    if (several) {
      fill(
        chips,
        values.map((one) =>
          h("span", { class: "chip" }, one.text, h("button", { type: "button", "aria-label": `Remove ${one.text}`, tabIndex: -1, onclick: () => toggle(one) }, icon("close"))),
        ),
      );
    } else input.value = values[0]?.text || "";
    input.placeholder = several && values.length ? "" : placeholder || (several ? "Select options" : "Select an option");
  }

  const isChosen = (option) => values.some((one) => one.value === option.value);

  function filter() {
    const words = opened() && input.dataset.typed === "1" ? input.value.trim().toLowerCase() : "";
    shown = known.filter((option) => option.text.toLowerCase().includes(words));
    active = Math.max(0, several ? 0 : shown.findIndex(isChosen));
    drawList();
  }

  function drawList() {
    let group;
    const rows = shown.flatMap((option, index) => {
      const row = h(
        "li",
        {
          role: "option",
          id: `${id}-${index}`,
          "aria-selected": String(isChosen(option)),
          class: index === active ? "active" : "",
          onpointerdown: (event) => event.preventDefault(),
          onpointermove: () => active !== index && point(index),
          onclick: () => take(option),
        },
        h("span", {}, option.text, option.description && h("small", {}, option.description)),
        isChosen(option) && icon("check"),
      );
      const heading = option.group && option.group !== group ? [h("li", { class: "group", role: "presentation" }, option.group)] : [];
      group = option.group;
      return [...heading, row];
    });
    fill(list, rows.length ? rows : h("li", { class: "none", role: "presentation" }, "No results"));
    if (shown.length && opened()) {
      input.setAttribute("aria-activedescendant", `${id}-${active}`);
      list.querySelector(".active")?.scrollIntoView({ block: "nearest" });
    } else input.removeAttribute("aria-activedescendant");
  }

  function point(index) {
    active = index;
    for (const row of list.querySelectorAll("[role=option]")) row.classList.toggle("active", row.id === `${id}-${index}`);
    input.setAttribute("aria-activedescendant", `${id}-${index}`);
  }

  const opened = () => !list.hidden;

  function openList() {
    if (opened()) return;
    list.hidden = false;
    input.dataset.typed = "";
    input.setAttribute("aria-expanded", "true");
    if (!several) input.select();
    filter();
    list.style.width = `${box.getBoundingClientRect().width}px`;
    place(list, box, false);
  }

  function closeList() {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    if (several) input.value = "";
    draw();
    drawList();
  }

  function toggle(option) {
    if (isChosen(option)) values = values.filter((one) => one.value !== option.value);
    else if (values.length < most) values = [...values, option];
    changed?.(values);
    draw();
    drawList();
  }

  function take(option) {
    if (several) {
      toggle(option);
      input.value = "";
      return filter();
    }
    const news = !isChosen(option);
    values = [option];
    closeList();
    if (news) changed?.(values);
    return undefined;
  }

  input.addEventListener("input", async () => {
    openList();
    input.dataset.typed = "1";
    if (search) known = await search(input.value);
    filter();
  });
  input.addEventListener("click", openList);
  input.addEventListener("blur", () => opened() && closeList());
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!opened()) return openList();
      const step = event.key === "ArrowDown" ? 1 : -1;
      active = shown.length ? (active + step + shown.length) % shown.length : -1;
      drawList();
    } else if (event.key === "Enter" && opened()) {
      event.preventDefault();
      event.stopPropagation();
      if (shown[active]) take(shown[active]);
    } else if (event.key === " " && !opened()) {
      event.preventDefault();
      openList();
    } else if (event.key === "Escape" && opened()) {
      event.preventDefault();
      event.stopPropagation();
      closeList();
    } else if (event.key === "Backspace" && several && !input.value && values.length) {
      toggle(values.at(-1));
    }
    return undefined;
  });
  box.addEventListener("pointerdown", (event) => {
    if (event.target === input || event.target.closest("button, li")) return;
    event.preventDefault();
    input.focus();
    openList();
  });
  draw();
  Object.defineProperty(box, "values", { get: () => values });
  return box;
}
