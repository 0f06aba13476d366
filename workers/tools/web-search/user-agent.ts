/** As this server is known to the sites that it opens. Its first word is what a robots.txt names. */
export const USER_AGENT = "background-responses/1.0 (web search of a Responses API server)";
