// The questions before the first message: name and e-mail, wanted or merely welcome.

const ADDRESS = /^[^\s@]+@[^\s@]+\.[^\s@]{2,}$/;

/** Shows the form instead of the composer until `done({name, email})`, whose promise may refuse; then `after()`. */
export function intro({ dom, words, required, done, after }) {
  const { form, composer, name, email, skip, wrong } = dom;
  const { say } = words;
  const label = (key) => (required ? say(key) : say("optional", { label: say(key) }));

  dom.ask.textContent = say("ask");
  form.querySelector("label[for=name]").textContent = label("name");
  form.querySelector("label[for=email]").textContent = label("email");
  name.required = email.required = required;
  skip.textContent = say("skip");
  skip.hidden = required;
  dom.begin.textContent = say("begin");

  function show(yes) {
    form.hidden = !yes;
    composer.hidden = yes;
  }

  function complain(field, key) {
    for (const one of [name, email]) one.setAttribute("aria-invalid", String(one === field));
    wrong.textContent = key ? say(key) : "";
    field?.focus();
  }

  async function finish(answers) {
    dom.begin.disabled = true;
    try {
      await done(answers);
      show(false);
      after();
    } catch {
      complain(email, "needEmail");
    } finally {
      dom.begin.disabled = false;
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const answers = { name: name.value.trim(), email: email.value.trim() };
    if (required && !answers.name) complain(name, "needName");
    else if ((required || answers.email) && !ADDRESS.test(answers.email)) complain(email, "needEmail");
    else {
      complain(null, "");
      finish(answers);
    }
  });
  skip.addEventListener("click", () => finish({}));

  return { show, focus: () => name.focus({ preventScroll: true }) };
}
