/** Errors of authentication and of permission. */
import { ApiError } from "./api-error.ts";

export function missingApiKey(): ApiError {
  const message = "You didn't provide an API key. Send it as 'Authorization: Bearer YOUR_KEY'.";
  return new ApiError({ status: 401, message, code: "invalid_api_key", headers: { "www-authenticate": "Bearer" } });
}

/** Shows at most both ends of a long key, so that its owner recognizes it and a log does not reveal it. */
export function incorrectApiKey(key: string): ApiError {
  const shortened = key.length > 12 ? `${key.slice(0, 3)}***${key.slice(-2)}` : "***";
  const message = `Incorrect API key provided: ${shortened}.`;
  return new ApiError({ status: 401, message, code: "invalid_api_key", headers: { "www-authenticate": "Bearer" } });
}

export function foreignPage(): ApiError {
  const message =
    "Without API keys this server answers only clients of its own machine, by its own name. Set API_KEYS, or CORS_ORIGINS for a page.";
  return new ApiError({ status: 403, message, type: "permission_error", code: "foreign_origin" });
}

/** A key of a project on a route of administrators. */
export function notAnAdmin(): ApiError {
  const message = "You have insufficient permissions for this operation. It needs a key of ADMIN_KEYS.";
  return new ApiError({ status: 403, message, code: "insufficient_permissions" });
}

/** An admin's key on a route that creates something for a project. */
export function adminNeedsProject(): ApiError {
  const message =
    "An admin key belongs to no project. Name one in the header 'OpenAI-Project', or use a key of the project.";
  return new ApiError({ status: 400, message, code: "missing_project" });
}
