/** Starts the console. */
import { effect } from "@preact/signals";
import { render } from "preact";
import { startClock } from "./api/clock.ts";
import { loadProjects } from "./api/projects.ts";
import { isAdmin, openSession } from "./api/session.ts";
import { App } from "./app.ts";
import { html } from "./ui/html.ts";
import { startRouting } from "./ui/route.ts";

startClock();
startRouting();
effect(() => {
  // The names in filters; without them, ids are shown.
  if (isAdmin.value) loadProjects().catch(() => undefined);
});
const place = document.querySelector("#console");
if (place !== null) render(html`<${App} />`, place);
void openSession();
