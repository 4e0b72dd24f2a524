// The page's side of a session: says when the page is there and with which address, keeps what was changed in the
// address, and says so when nobody answers any more. Only a page that is all ours (Voila) has its address touched.
// Questions are counted, not seconds: a page that was held up, or a laptop that slept, has lost nobody by that.
const UNANSWERED = 4, EVERY = 5_000;

const ours = () => document.body.hasAttribute("data-voila");

const keep = (model) => {
  const address = new URL(location.href), names = model.get("names");
  for (const name of [...address.searchParams.keys()]) if (names.includes(name)) address.searchParams.delete(name);
  for (const [name, value] of model.get("changed")) address.searchParams.append(name, value);
  history.replaceState(history.state, "", address);
};

const ended = (text) => {
  if (document.querySelector(".sk-ended")) return;
  const bar = document.createElement("div"), words = document.createElement("span"), again = document.createElement("button");
  bar.className = "sk sk-app sk-ended"; bar.setAttribute("role", "alert");
  words.textContent = text;
  again.type = "button"; again.className = "sk-btn"; again.textContent = "Reload"; again.addEventListener("click", () => location.reload());
  bar.append(words, again); document.body.prepend(bar);
};

export default { render({ model, el }) {
  el.hidden = true;
  if (!ours()) { model.send({ kind: "ready", query: "" }); return undefined; }
  let unanswered = 0;
  const listen = (message) => {
    if (message.kind !== "here") return;
    unanswered = 0;
    document.querySelector(".sk-ended")?.remove(); // it was only slow
  };
  const changed = () => keep(model);
  model.on("msg:custom", listen); model.on("change:changed", changed);
  const ask = () => {
    if (document.hidden) { unanswered = 0; return; }
    if (unanswered >= UNANSWERED) ended(model.get("ended"));
    unanswered += 1;
    try { model.send({ kind: "there" }); } catch { ended(model.get("ended")); }
  };
  const clock = setInterval(ask, EVERY);
  window.addEventListener("offline", ask);
  model.send({ kind: "ready", query: location.search.slice(1) });
  return () => { clearInterval(clock); model.off("msg:custom", listen); model.off("change:changed", changed); };
} };
