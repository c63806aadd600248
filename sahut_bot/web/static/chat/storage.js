// What the browser keeps for this chat: the visitor's token, what is not sent yet, what is being written.
// Where storage is forbidden everything works until the page is closed.

export function storage(channel) {
  const memory = new Map();
  const key = (name) => `sahut:${channel}:${name}`;

  return {
    get(name) {
      try {
        const kept = localStorage.getItem(key(name));
        return kept === null ? (memory.get(name) ?? null) : JSON.parse(kept);
      } catch {
        return memory.get(name) ?? null;
      }
    },
    set(name, value) {
      memory.set(name, value);
      try {
        localStorage.setItem(key(name), JSON.stringify(value));
      } catch {
        // Kept in memory.
      }
    },
    remove(...names) {
      for (const name of names) {
        memory.delete(name);
        try {
          localStorage.removeItem(key(name));
        } catch {
          // Was never there.
        }
      }
    },
    /** Calls back when another tab changed `name`. */
    watch(name, changed) {
      addEventListener("storage", (event) => {
        if (event.key === key(name)) {
          memory.delete(name);
          changed();
        }
      });
    },
  };
}
