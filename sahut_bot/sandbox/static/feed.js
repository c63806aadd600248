// What one person sees, as it changes, and what they do about it.

import { toast } from "./toast.js";

/** `show(state)` is called with each new picture. `be(user)` changes who one is. */
export function makeFeed(show) {
  let user = "";
  let socket = null;
  let wait = 250;

  function connect() {
    const where = new URL(`/demo/feed?user=${encodeURIComponent(user)}`, location.href);
    where.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const mine = new WebSocket(where);
    socket = mine;
    mine.addEventListener("message", (event) => {
      wait = 250;
      document.documentElement.classList.remove("away");
      if (mine === socket) show(JSON.parse(event.data));
    });
    mine.addEventListener("close", () => {
      if (mine !== socket) return;
      document.documentElement.classList.add("away");
      setTimeout(() => mine === socket && connect(), wait);
      wait = Math.min(wait * 2, 4000);
    });
  }

  async function answered(response) {
    const answer = await response.json().catch(() => ({}));
    if (answer.warning || !answer.ok) toast(sentence(answer.warning || answer.error || "That did not get through."));
    return answer;
  }

  return {
    get user() {
      return user;
    },
    be(other) {
      user = other;
      const before = socket;
      socket = null;
      before?.close();
      connect();
    },
    /** Does something as the person; the answer has `ok`. What goes wrong is shown, too. */
    async act(act, args = {}) {
      try {
        const body = JSON.stringify({ act, user, ...args });
        const headers = { "Content-Type": "application/json" };
        return await answered(await fetch("/demo/act", { method: "POST", headers, body }));
      } catch {
        toast("The demo cannot be reached. Is it still running?");
        return { ok: false };
      }
    },
    /** Writes a message with files. */
    async upload(args, files) {
      const form = new FormData();
      for (const [name, value] of Object.entries({ user, ...args })) form.append(name, value);
      for (const file of files) form.append("file", file, file.name);
      try {
        return await answered(await fetch("/demo/files", { method: "POST", body: form }));
      } catch {
        toast("The file did not get through.");
        return { ok: false };
      }
    },
  };
}

function sentence(words) {
  const whole = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}
