// What the visitor has written and the server has not taken yet. Kept in the browser's storage, so a reload loses
// nothing; each message keeps its id, so trying again never sends it twice. One after the other, in order.

import { ApiError } from "./api.js";

const LONGEST_PAUSE = 20;

/**
 * `send(message)` tries once. `on.state(message, state, error)` hears sending, waiting, sent and failed.
 */
export function outbox({ storage, send, on }) {
  let entries = storage.get("outbox") || [];
  let running = false;
  let wake = null;

  /** Changes what this tab knows and what is kept: another tab may have put its own messages there. */
  function change(how) {
    entries = how(entries);
    const kept = how(storage.get("outbox") || []);
    if (kept.length) storage.set("outbox", kept);
    else storage.remove("outbox");
  }

  const without = (id) => (all) => all.filter((entry) => entry.id !== id);
  const instead = (changed) => (all) => all.map((entry) => (entry.id === changed.id ? changed : entry));

  async function run() {
    if (running) return;
    running = true;
    let failures = 0;
    for (let entry = next(); entry; entry = next()) {
      try {
        await send(entry);
        failures = 0;
        drop(entry.id);
        on.state(entry, "sent");
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (!entries.some((one) => one.id === entry.id)) continue; // discarded meanwhile
        if (error.passing) {
          failures += 1;
          on.state(entry, "waiting", error);
          await pause(error.retryAfter || Math.min(LONGEST_PAUSE, 2 ** failures / 2));
        } else {
          change(instead({ ...entry, failed: error.code || String(error.status) }));
          on.state(entry, "failed", error);
        }
      }
    }
    running = false;
  }

  const next = () => entries.find((entry) => !entry.failed);

  function drop(id) {
    if (entries.some((entry) => entry.id === id)) change(without(id));
  }

  function pause(seconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, seconds * 1000 * (0.75 + Math.random() / 2));
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
  addEventListener("online", () => wake?.());

  return {
    get entries() {
      return entries;
    },
    add(entry) {
      change((all) => [...all, entry]);
      on.state(entry, "sending");
      run();
    },
    retry(id) {
      const entry = entries.find((one) => one.id === id);
      if (!entry) return;
      const { failed, ...again } = entry;
      change(instead(again));
      on.state(again, "sending");
      wake?.();
      run();
    },
    /** Forgets a message: it was given up, or the feed shows that it has arrived. */
    drop,
    clear: () => change(() => []),
    run,
  };
}
