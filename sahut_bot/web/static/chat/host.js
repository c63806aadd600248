// Talks with the loader in the site that embeds us. Only with the window that holds our frame, and only with an origin
// that may hold it; alone on a page there is nobody to talk to.

/** `on` has a function for each kind of message. */
export function host({ origins, on }) {
  if (parent === window) return { embedded: false, tell() {} };
  let origin = "";

  const may = (one) => one === location.origin || origins.includes(one);
  addEventListener("message", (event) => {
    if (event.source !== parent || !may(event.origin)) return;
    const { sahut, type, value } = event.data || {};
    if (sahut !== 1 || !Object.hasOwn(on, type)) return;
    on[type](value);
  });
  // Who holds us is what the browser says; the policy of this page has let in nobody else.
  for (const known of [location.ancestorOrigins?.[0], referrer()]) if (!origin && known && may(known)) origin = known;

  function referrer() {
    try {
      return new URL(document.referrer).origin;
    } catch {
      return "";
    }
  }

  return {
    embedded: true,
    tell(type, value) {
      for (const target of origin ? [origin] : [location.origin, ...origins]) {
        parent.postMessage({ sahut: 1, type, value }, target);
      }
    },
  };
}
