// Who we are to the server. A token is asked for when it is first needed: whoever only looks leaves no trace.

import { ApiError } from "./api.js";

const RENEW_MILLISECONDS = 24 * 3600 * 1000;

/** `on.changed(identity)` hears of another identity (a history of its own); `on.token(token)` of each new token. */
export function visitor({ api, storage, language, on }) {
  let me = storage.get("me");
  let asking = null;

  async function ask(more = {}) {
    const before = me;
    const given = await api.session({ lang: language, ...(me ? { visitor: me.token } : {}), ...more });
    me = { token: given.visitor, user: given.user_id || "", name: given.name, email: given.email, at: Date.now() };
    storage.set("me", me);
    if (before && before.user !== me.user) on.changed();
    on.token(me.token);
    return me.token;
  }

  /** One request at a time: two would make two visitors. */
  function once(more) {
    asking = (asking || Promise.resolve()).catch(() => {}).then(() => ask(more));
    return asking;
  }

  storage.watch("me", () => {
    const before = me;
    me = storage.get("me");
    if (before?.user !== me?.user || !me) on.changed();
    if (me) on.token(me.token);
  });

  return {
    get known() {
      return Boolean(me);
    },
    get named() {
      return Boolean(me && (me.name || me.email || me.user));
    },
    get token() {
      return me?.token || "";
    },
    async ready() {
      if (asking) await asking.catch(() => {});
      return me ? me.token : once();
    },
    introduce: (answers) => once(answers),
    /** The server does not take this token any more. */
    async renew(refused) {
      if (me && me.token !== refused) return me.token;
      return once();
    },
    /** Keeps an old token alive; one that the server can do without is none to wait for. */
    refresh() {
      if (me && Date.now() - me.at > RENEW_MILLISECONDS) once().catch(() => {});
    },
    async identify(person) {
      const { user_id: user, hash } = person || {};
      if (!user || !hash) return;
      const fresh = me && me.user === String(user) && Date.now() - me.at < RENEW_MILLISECONDS;
      const same = fresh && (!person.name || person.name === me.name) && (!person.email || person.email === me.email);
      if (same) return;
      const asked = { user_id: String(user), hash: String(hash) };
      for (const key of ["name", "email"]) if (person[key]) asked[key] = String(person[key]);
      if (person.exp !== undefined) asked.exp = Number(person.exp);
      try {
        await once(asked);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        console.warn(`sahut: identify was refused (${error.message})`);
      }
    },
    forget() {
      me = null;
      storage.remove("me");
      on.changed();
    },
  };
}
