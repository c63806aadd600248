// What the browser keeps for this chat: the visitor's token, what is not sent yet, what is being written.
//
// Some browsers deny a frame of another site any storage. Then the site's own page keeps it for us (`recall` and `keep`
// ask the loader there): what is kept is that visitor's own chat with that very site. Where neither can be had,
// everything works until the page is closed.

export async function openStorage(channel, { recall, keep }) {
  const key = (name) => `sahut:${channel}:${name}`;
  const own = mayStore();
  const memory = new Map(own ? [] : Object.entries(await recall()));

  function put(name, value) {
    if (value === undefined) memory.delete(name);
    else memory.set(name, value);
    if (!own) {
      keep(Object.fromEntries(memory));
      return;
    }
    try {
      if (value === undefined) localStorage.removeItem(key(name));
      else localStorage.setItem(key(name), JSON.stringify(value));
    } catch {
      // Full: memory has it.
    }
  }

  return {
    get(name) {
      if (!own) return memory.get(name) ?? null;
      try {
        const kept = localStorage.getItem(key(name));
        return kept === null ? (memory.get(name) ?? null) : JSON.parse(kept);
      } catch {
        return memory.get(name) ?? null;
      }
    },
    set: (name, value) => put(name, value),
    remove: (...names) => names.forEach((name) => put(name, undefined)),
    /** Calls back when another tab changed `name`. */
    watch(name, changed) {
      addEventListener("storage", (event) => {
        if (event.key !== key(name)) return;
        memory.delete(name);
        changed();
      });
    },
  };
}

function mayStore() {
  try {
    return localStorage.length >= 0;
  } catch {
    return false;
  }
}
