export const llm = { id: "llm", title: "LLM usage", scope: "llm:read", isThere: async () => false, controls: [], figures: () => [], panels: () => [] };
