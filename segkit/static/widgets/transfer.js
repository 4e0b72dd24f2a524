// Files in and out of a live page. Upload: size and type are looked at here first, then pieces go one by one, each after
// the one before was acknowledged, so nothing is too large for the connection, and progress and cancel are true.
// Download: pieces come one by one the same way and end as a Blob. What is said comes from the kernel, as text.
const button = (text, kind = "") => Object.assign(document.createElement("button"), { type: "button", className: `sk-btn ${kind}`, textContent: text });

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

const line = (el) => {
  const status = document.createElement("p");
  status.className = "sk-help"; status.setAttribute("role", "status");
  const bar = document.createElement("div"), fill = document.createElement("i");
  bar.className = "sk-progress"; bar.hidden = true; bar.append(fill);
  el.append(bar, status);
  return {
    say: (text) => { status.textContent = text; },
    show: (part) => { bar.hidden = part === null; fill.style.setProperty("--v", `${Math.round(100 * (part ?? 0))}%`); },
  };
};

const upload = ({ model, el }) => {
  const pick = Object.assign(document.createElement("input"), { type: "file", hidden: true, accept: model.get("types").join(",") });
  const open = button(model.get("label"), "sk-wide"), stop = button("Cancel");
  stop.hidden = true;
  el.append(pick, open, stop);
  const page = line(el);
  page.say(model.get("hint"));
  let file = null, turn = 0;
  const end = (text) => { file = null; pick.value = ""; open.disabled = false; stop.hidden = true; page.show(null); page.say(text); };
  const piece = async (from) => {
    const mine = turn, part = await file.slice(from, from + model.get("piece")).arrayBuffer().catch(() => null);
    if (mine !== turn || !file) return;
    if (part === null) { model.send({ kind: "cancel" }); end("The file could not be read. Choose it again."); return; }
    page.show(from / file.size); page.say(`Sending ${megabytes(from)} of ${megabytes(file.size)}.`);
    model.send({ kind: "piece", from }, undefined, [part]);
  };
  const heard = (message) => {
    if (message.kind === "next" && file) piece(message.from);
    else if (message.kind === "end") end(message.text);
  };
  const begin = () => {
    const chosen = pick.files[0];
    if (!chosen) return;
    const ending = chosen.name.slice(chosen.name.lastIndexOf(".")).toLowerCase();
    if (!model.get("types").includes(ending)) return end(model.get("wrong_type"));
    if (chosen.size > model.get("limit")) return end(model.get("too_large").replace("{}", megabytes(chosen.size)));
    if (!chosen.size) return end("The file is empty. Choose another.");
    file = chosen; turn += 1; open.disabled = true; stop.hidden = false; page.show(0); page.say("Sending.");
    model.send({ kind: "begin", name: file.name, size: file.size });
  };
  const cancel = () => { turn += 1; model.send({ kind: "cancel" }); end("Cancelled. Nothing was kept."); };
  open.addEventListener("click", () => pick.click());
  pick.addEventListener("change", begin); stop.addEventListener("click", cancel);
  model.on("msg:custom", heard);
  return () => model.off("msg:custom", heard);
};

const download = ({ model, el }) => {
  const get = button(model.get("label"));
  el.append(get);
  const page = line(el);
  page.say(model.get("hint"));
  let pieces = null;
  const save = (name, type) => {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(new Blob(pieces, { type })), download: name });
    document.body.append(link); link.click(); link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };
  const heard = (message, buffers) => {
    if (message.kind === "refused") { pieces = null; get.disabled = false; page.show(null); page.say(message.text); }
    if (message.kind !== "piece" || !pieces || message.piece !== pieces.length) return;
    pieces.push(buffers[0]);
    if (pieces.length < message.pieces) { page.show(pieces.length / message.pieces); model.send({ kind: "piece", piece: pieces.length }); return; }
    save(message.name, message.type);
    pieces = null; get.disabled = false; page.show(null); page.say(message.text);
  };
  get.addEventListener("click", () => { pieces = []; get.disabled = true; page.say("Getting it ready."); model.send({ kind: "piece", piece: 0 }); });
  model.on("msg:custom", heard);
  return () => model.off("msg:custom", heard);
};

export default { render: (context) => {
  context.el.classList.add("sk-transfer");
  return (context.model.get("kind") === "upload" ? upload : download)(context);
} };
