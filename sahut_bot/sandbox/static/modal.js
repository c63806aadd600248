// The app's modal: its fields keep what was typed while the app changes it, and show what is wrong with it.

import { makeBlocks } from "./blocks.js";
import { makeDialog } from "./dialog.js";
import { fill, h } from "./dom.js";
import { appFace } from "./face.js";

const REQUIRED = "Please complete this required field.";

export function makeModal(parent, ui) {
  let dialog = null;
  let view = null;
  let values = {};
  let missing = {};
  let busy = false;
  let drawn = "";

  const on = {
    click: (element) => ui.act("click", { on: "modal", what: element.action_id }),
    select: (element, block, value) => ui.act("select", { on: "modal", what: element.action_id, value }),
    enter(block, element, value) {
      values[block.block_id] = value;
      if (missing[block.block_id]) {
        delete missing[block.block_id];
        const field = dialog.body.querySelector(`[data-block="${CSS.escape(block.block_id)}"]`);
        field.classList.remove("wrong");
        field.querySelector(".kit-problem")?.remove();
      }
    },
    confirm: (confirm, act) => ui.confirm(confirm, act),
  };

  // What the app has put into a field, until somebody changes it.
  function initial(blocks) {
    const known = {};
    for (const block of blocks.filter((one) => one.type === "input")) {
      const found = Object.entries(block.element).find(([name]) => name.startsWith("initial_"))?.[1];
      if (found === undefined) known[block.block_id] = null;
      else if (Array.isArray(found)) known[block.block_id] = found.map((one) => one.value ?? one);
      else known[block.block_id] = found.value ?? found;
    }
    return known;
  }

  async function submit() {
    if (busy || !view.submit) return;
    missing = {};
    for (const block of view.blocks) {
      const value = values[block.block_id];
      const empty = value === null || value === undefined || value === "" || (Array.isArray(value) && !value.length);
      if (block.type === "input" && !block.optional && empty) missing[block.block_id] = REQUIRED;
    }
    if (Object.keys(missing).length) return draw();
    const entered = Object.fromEntries(view.blocks.filter((one) => one.type === "input").map((one) => [one.block_id, values[one.block_id]]));
    busy = true;
    dialog.foot.querySelector(".submit")?.classList.add("busy");
    await ui.act("submit", { values: entered });
    busy = false;
    dialog?.foot.querySelector(".submit")?.classList.remove("busy");
  }

  function close(everything) {
    ui.act("close", { everything });
  }

  function foot() {
    return [
      h("button", { type: "button", class: "kit-button", onclick: () => close(false) }, view.close?.text || "Close"),
      view.submit && h("button", { type: "button", class: "kit-button primary submit", onclick: submit }, h("span", {}, view.submit.text)),
    ];
  }

  function draw() {
    const errors = { ...view.errors, ...missing };
    const focused = dialog.body.contains(document.activeElement) ? document.activeElement.dataset.focus : "";
    const blocks = makeBlocks({
      text: ui.text,
      state: ui.state,
      on,
      errors,
      kept: (block) => (block.type === "input" ? values[block.block_id] : undefined),
    });
    dialog.heading.textContent = view.title.text;
    fill(dialog.body, blocks(view.blocks));
    fill(dialog.foot, foot());
    const first = dialog.body.querySelector(".wrong input, .wrong textarea");
    const same = focused ? [...dialog.body.querySelectorAll("[data-focus]")].find((one) => one.dataset.focus === focused) : null;
    (first || same)?.focus();
  }

  return {
    show(shown) {
      const sign = shown ? JSON.stringify([shown.id, shown.hash, shown.errors]) : "";
      if (sign === drawn) return;
      drawn = sign;
      if (!shown) {
        dialog?.remove();
        dialog = null;
        view = null;
        return;
      }
      const other = view?.id !== shown.id;
      const fresh = initial(shown.blocks);
      // Fields that are the same in the changed view keep what was entered.
      values = other ? fresh : { ...fresh, ...Object.fromEntries(Object.entries(values).filter(([key]) => key in fresh)) };
      missing = {};
      view = shown;
      if (!dialog) {
        dialog = makeDialog({ title: shown.title.text, face: appFace("small"), body: [], foot: [], close });
        draw();
        dialog.show(parent);
        dialog.element.addEventListener("keydown", (event) => {
          const single = event.target.matches("input:not([role=combobox])");
          const sends = event.key === "Enter" && !event.defaultPrevented && (single || event.ctrlKey || event.metaKey);
          if (sends) {
            event.preventDefault();
            submit();
          }
        });
      } else draw();
    },
  };
}
