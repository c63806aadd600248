// Block Kit elements: buttons, menus, fields. What is done with them goes to `on`.

import { h, icon } from "./dom.js";
import { menu } from "./menu.js";
import { picker } from "./picker.js";

/**
 * `on.click(element, block)`, `on.select(element, block, value)` tell the app; in forms `on.enter(block, element, value)`
 * only remembers. `kept(block, element)` is what was entered before, `invalid(block)` whether it was refused.
 */
export function makeElements({ text, state, on, kept = () => undefined, invalid = () => false }) {
  const people = () =>
    Object.entries(state.users)
      .filter(([, one]) => !one.deleted && !one.bot)
      .map(([value, one]) => ({ value, text: one.name }));
  const rooms = () => state.channels.map((one) => ({ value: one.id, text: `#${one.name}` }));

  function pressed(element, block, act) {
    if (!element.confirm) return act();
    return on.confirm(element.confirm, act);
  }

  function button(element, block) {
    const props = {
      class: `kit-button ${element.style || ""}`,
      data: { focus: element.action_id },
      "aria-label": element.accessibility_label,
    };
    if (element.url) {
      return h("a", { ...props, href: element.url, target: "_blank", rel: "noopener noreferrer" }, text.object(element.text));
    }
    const made = h("button", { type: "button", ...props }, h("span", {}, text.object(element.text)));
    made.addEventListener("click", () =>
      pressed(element, block, async () => {
        made.classList.add("busy");
        await on.click(element, block);
        made.classList.remove("busy");
      }),
    );
    return made;
  }

  function overflow(element, block) {
    const anchor = h(
      "button",
      { type: "button", class: "kit-button more", "aria-label": "More options", "aria-haspopup": "menu", data: { focus: element.action_id } },
      icon("more"),
    );
    const entries = element.options.map((option) => ({
      label: option.text.text,
      act: () => pressed(element, block, () => on.select(element, block, option.value)),
    }));
    anchor.addEventListener("click", () => menu(anchor, "More options", entries));
    return anchor;
  }

  // ---------------------------------------------------------------- choosing

  const option = (one, group) => ({
    value: one.value,
    text: one.text.text,
    description: one.description?.text,
    group,
  });

  function choices(element) {
    const source = element.type.replace("multi_", "");
    if (source === "static_select") {
      const groups = element.option_groups || [{ options: element.options }];
      return groups.flatMap((group) => group.options.map((one) => option(one, group.label?.text)));
    }
    if (source === "users_select") return people();
    return source === "external_select" ? [] : rooms();
  }

  function initial(element) {
    const found = Object.entries(element).find(([name]) => name.startsWith("initial_"))?.[1];
    if (found === undefined) return [];
    return [found].flat().map((one) => (one.value === undefined ? one : one.value));
  }

  function select(element, block, label) {
    const several = element.type.startsWith("multi_");
    const options = choices(element);
    const wanted = kept(block, element) ?? initial(element);
    return picker({
      label,
      options,
      several,
      most: element.max_selected_items,
      chosen: options.filter((one) => [wanted].flat().includes(one.value)),
      placeholder: element.placeholder?.text,
      focus: element.action_id,
      invalid: invalid(block),
      search: element.type.endsWith("external_select") ? (query) => on.suggest(element, block, query) : undefined,
      changed(values) {
        const chosen = values.map((one) => one.value);
        entered(element, block, several ? chosen : (chosen[0] ?? null));
      },
    });
  }

  function boxes(element, block) {
    const several = element.type === "checkboxes";
    const before = [kept(block, element) ?? initial(element)].flat();
    const inputs = element.options.map((one) =>
      h("input", {
        type: several ? "checkbox" : "radio",
        name: block.block_id,
        value: one.value,
        checked: before.includes(one.value),
        data: { focus: `${element.action_id}-${one.value}` },
        onchange() {
          const chosen = inputs.filter((input) => input.checked).map((input) => input.value);
          entered(element, block, several ? chosen : (chosen[0] ?? null));
        },
      }),
    );
    const rows = element.options.map((one, at) =>
      h("label", { class: "box" }, inputs[at], h("span", {}, text.object(one.text), one.description && h("small", {}, text.object(one.description)))),
    );
    return h("div", { class: "boxes", role: several ? "group" : "radiogroup" }, rows);
  }

  // ---------------------------------------------------------------- entering

  function entered(element, block, value) {
    if (block.type === "input" && !block.dispatch_action) on.enter(block, element, value);
    else on.select(element, block, value);
  }

  const KINDS = {
    plain_text_input: "text",
    email_text_input: "email",
    url_text_input: "url",
    number_input: "number",
    datepicker: "date",
    timepicker: "time",
    datetimepicker: "datetime-local",
  };

  function field(element, block, label, describedBy) {
    const value = kept(block, element) ?? initial(element)[0] ?? "";
    const props = {
      class: "field",
      "aria-label": label,
      "aria-describedby": describedBy,
      "aria-invalid": invalid(block) ? "true" : undefined,
      placeholder: element.placeholder?.text,
      maxlength: element.max_length ? String(element.max_length) : undefined,
      data: { focus: `${block.block_id} ${element.action_id}` },
    };
    const made = element.multiline
      ? h("textarea", { ...props, rows: "4" })
      : h("input", { ...props, type: KINDS[element.type], autocomplete: "off" });
    made.value = element.type === "datetimepicker" && value ? localMoment(value) : String(value);
    const shown = () => {
      if (!made.value) return null;
      return element.type === "datetimepicker" ? Math.floor(new Date(made.value) / 1000) : made.value;
    };
    made.addEventListener("input", () => on.enter?.(block, element, shown()));
    if (block.type !== "input" || block.dispatch_action) {
      made.addEventListener("change", () => on.select(element, block, shown()));
    }
    return made;
  }

  function element(one, block, label = "", describedBy = undefined) {
    if (one.type === "button") return button(one, block);
    if (one.type === "overflow") return overflow(one, block);
    if (one.type === "image") return h("img", { class: "kit-image", src: one.image_url, alt: one.alt_text });
    if (one.type.endsWith("_select")) return select(one, block, label || one.placeholder?.text || "Select");
    if (one.type === "checkboxes" || one.type === "radio_buttons") return boxes(one, block);
    if (KINDS[one.type]) return field(one, block, label, describedBy);
    return h("em", {}, `(${one.type})`);
  }

  return element;
}

function localMoment(seconds) {
  const date = new Date(seconds * 1000);
  return new Date(date - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
