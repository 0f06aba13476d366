/** The user agent for sites. A robots.txt names its first word. */
export const USER_AGENT = "background-responses/1.0 (web search of a Responses API server)";
