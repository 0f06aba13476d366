/** The errors of administration and of a project's limits, with examples from their constructors. */
import * as access from "../lifecycle/errors/access.ts";
import * as limits from "../lifecycle/errors/limits.ts";
import * as requests from "../lifecycle/errors/requests.ts";
import * as state from "../lifecycle/errors/state.ts";

/** `what` counts, in the words of the endpoint that limits it. */
export const tooManyThings = (what: string, count: number) => ({
  when: "There are as many of these things as the server keeps.",
  error: state.tooManyOf(what, count),
});

export const ORGANIZATION_ERRORS = {
  projectArchived: { when: "The project is archived.", error: state.projectArchived("proj_4f0c") },
  serviceAccountNotFound: {
    when: "The service account does not exist in this project.",
    error: state.serviceAccountNotFound("svc_acct_4f0c"),
  },
  keyNotFound: { when: "The key does not exist in this project.", error: state.keyNotFound("key_4f0c") },
  rateLimitNotFound: {
    when: "The id is not the one that the list of rate limits has.",
    error: state.rateLimitNotFound("rl_none"),
  },
  spendLimitNotFound: { when: "The project has no spend limit.", error: state.spendLimitNotFound("proj_4f0c") },
  spendAlertNotFound: {
    when: "The spend alert does not exist in this project.",
    error: state.spendAlertNotFound("alert_4f0c"),
  },
  malformedPage: {
    when: "`page` is not the `next_page` of a previous page.",
    error: requests.malformedPage("7"),
  },
  fixedByEnvironment: {
    when: "The project or key comes from the server's settings.",
    error: state.fixedByEnvironment("Project 'research'", "API_KEYS"),
  },
  tooManyOf: tooManyThings("keys in this project", 100),
  projectNotFound: {
    when: "The project does not exist, or the project in `OpenAI-Project` is archived.",
    error: state.projectNotFound("proj_4f0c"),
  },
  notAnAdmin: { when: "The key is not one of `ADMIN_KEYS`.", error: access.notAnAdmin() },
  adminNeedsProject: {
    when: "The key is one of `ADMIN_KEYS`, and the request does not name a project in `OpenAI-Project`.",
    error: access.adminNeedsProject(),
  },
  tooManyTokens: {
    when: "The project's responses used too many tokens in this minute.",
    error: limits.tooManyTokens(100_000, 12),
  },
  spendLimitReached: {
    when: "The project has reached its spend limit of this month.",
    error: limits.spendLimitReached(10_000),
  },
};
