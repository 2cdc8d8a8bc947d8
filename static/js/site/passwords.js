/** Shows and hides what is typed, and says how strong a new password is: help, never a hurdle. For pages that ask for one. */
const WORDS = ["", "Easy to guess. Make it longer.", "Fair. A few more characters would help.", "Strong.", "Very strong."];

/** 0 for nothing, then 1 to 4. Length counts most; variety helps; repeats and common beginnings do not. */
export function strength(password) {
  if (!password) return 0;
  if (password.length < 8 || new Set(password).size < 5) return 1;
  if (/^(password|qwerty|letmein|12345|iloveyou|welcome)/i.test(password) && password.length < 16) return 1;
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z\d]/].filter((kind) => kind.test(password)).length;
  const points = password.length + 2 * (kinds - 1);
  return points >= 20 ? 4 : points >= 13 ? 3 : 2;
}

export function mount(root) {
  for (const button of root.querySelectorAll("[data-password-show]")) {
    const input = document.getElementById(button.getAttribute("aria-controls"));
    button.addEventListener("click", () => {
      const show = input.type === "password";
      input.type = show ? "text" : "password";
      button.setAttribute("aria-pressed", String(show));
    });
    input.form?.addEventListener("submit", () => { input.type = "password"; });
  }
  for (const meter of root.querySelectorAll("[data-strength-for]")) {
    const input = document.getElementById(meter.dataset.strengthFor);
    const words = meter.parentElement.querySelector("[data-strength-words]");
    const advice = words.textContent;
    input.addEventListener("input", () => {
      const score = strength(input.value);
      meter.dataset.score = String(score);
      words.textContent = WORDS[score] || advice;
    });
  }
}

if (globalThis.document) mount(document);
