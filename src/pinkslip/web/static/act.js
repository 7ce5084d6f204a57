// Veto and approve from a decision's page: asks once more, sends what was said as JSON, and shows what came of it.
// A link ending in #veto or #approve asks at once, and does nothing before the person answers.

const TIMEOUT_MS = 15000;
const dialog = document.getElementById("confirm");
const form = dialog.querySelector("form");
const yes = form.querySelector("button[value=yes]");
const complaint = form.querySelector("[role=alert]");

function ask(button) {
  dialog.dataset.to = button.dataset.to;
  document.getElementById("asks").textContent = button.dataset.asks;
  yes.textContent = button.textContent;
  yes.className = button.className;
  complaint.textContent = "";
  dialog.showModal();
}

async function send(to, context) {
  const answer = await fetch(to, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify({ context }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (answer.ok) return;
  const problem = await answer.json().catch(() => ({}));
  throw new Error(problem.detail || `the service answered ${answer.status}`);
}

async function act(event) {
  if (event.submitter?.value !== "yes") return;
  event.preventDefault();
  event.submitter.disabled = true;
  try {
    await send(dialog.dataset.to, form.elements.context.value);
    history.replaceState(null, "", location.pathname);
    location.reload();
  } catch (error) {
    complaint.textContent = `Not done: ${error.message}`;
  } finally {
    event.submitter.disabled = false;
  }
}

function askAsLinked() {
  const button = document.querySelector(`button[data-act="${CSS.escape(location.hash.slice(1))}"]`);
  if (button && !dialog.open) ask(button);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-act]");
  if (button) ask(button);
});
form.addEventListener("submit", act);
addEventListener("hashchange", askAsLinked);
askAsLinked();
