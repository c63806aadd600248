// Stays at the end while the reader is there, leaves them alone while they read above, and offers the way back.

const NEAR = 64;

export function follow({ scroll, head, content, jump, words }) {
  let atEnd = true;
  let unseen = 0;

  function toEnd() {
    atEnd = true;
    unseen = 0;
    scroll.scrollTop = scroll.scrollHeight;
    show();
  }

  function show() {
    jump.hidden = atEnd;
    jump.firstElementChild.textContent = unseen ? words.say("newer", { n: unseen }) : "";
    jump.setAttribute("aria-label", unseen ? words.say("newer", { n: unseen }) : words.say("latest"));
  }

  let before = 0;
  scroll.addEventListener("scroll", () => {
    const near = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR;
    // Only the reader scrolls up; that the end moved away because something grew is no wish to read above.
    if (near) atEnd = true;
    else if (scroll.scrollTop < before - 1) atEnd = false;
    before = scroll.scrollTop;
    if (atEnd) unseen = 0;
    head.classList.toggle("lifted", scroll.scrollTop > 0);
    show();
  });
  // Whatever grows (a picture that has loaded, the keyboard, the text field): the end stays in view.
  const observer = new ResizeObserver(() => atEnd && toEnd());
  for (const one of [scroll, ...content]) observer.observe(one);
  jump.addEventListener("click", () => {
    toEnd();
    scroll.focus({ preventScroll: true });
  });

  return {
    toEnd,
    refresh: () => atEnd && toEnd(),
    news(count) {
      if (!atEnd) unseen += count;
      show();
    },
  };
}
