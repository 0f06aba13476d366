/** Asks for a key. */
import { useSignal } from "@preact/signals";
import { openSession, problem, signIn } from "./api/session.ts";
import { html } from "./ui/html.ts";
import { valueOf } from "./ui/fields.ts";
import { Problem } from "./ui/parts.ts";

export function SignIn() {
  const value = useSignal("");
  const submit = (event: Event): void => {
    event.preventDefault();
    if (value.value.trim() !== "") void signIn(value.value.trim());
  };
  return html`<section class="narrow">
    <h1>Sign in</h1>
    <form onSubmit=${submit}>
      <label class="field">
        API key or admin key
        <input
          type="password"
          autocomplete="off"
          autofocus
          required
          value=${value.value}
          onInput=${(event: Event) => (value.value = valueOf(event))}
        />
      </label>
      ${problem.value !== undefined && html`<${Problem}>${problem.value}<//>`}
      <p class="buttons">
        <button class="primary">Sign in</button>
        <button type="button" onClick=${openSession}>Without a key</button>
      </p>
      <p class="note">The key stays in this tab, until you sign out or close it.</p>
    </form>
  </section>`;
}
