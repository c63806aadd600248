// A shop that knows its customers: whoever is signed in is vouched for in the chat, with the proof its server made.

window.sahut = window.sahut || function queue(...call) {
  (queue.q ||= []).push(call);
};

const NOBODY = "";
const KEPT = "demo:customer";
const customers = JSON.parse(document.getElementById("customers").textContent);
const choice = document.getElementById("customer");

for (const one of customers) choice.append(new Option(one.name, one.user_id));
choice.append(new Option("a visitor", NOBODY));

function kept() {
  try {
    return sessionStorage.getItem(KEPT) ?? customers[0].user_id;
  } catch {
    return customers[0].user_id;
  }
}

function signIn(id) {
  const one = customers.find((customer) => customer.user_id === id);
  choice.value = id;
  if (one) window.sahut("identify", one);
}

choice.addEventListener("change", () => {
  try {
    sessionStorage.setItem(KEPT, choice.value);
  } catch {
    // For this page only, then.
  }
  // Somebody else at the same browser must not see the chat before.
  window.sahut("logout");
  signIn(choice.value);
});

document.getElementById("ask").addEventListener("click", () => window.sahut("open"));
signIn(kept());
