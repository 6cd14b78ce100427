"""Models behind `minrlm_nb.core.ports.ChatModel`: any OpenAI-compatible endpoint, and how one is found.

`resolve.resolve` picks the model, `openai_chat.OpenAIChat` asks it, `local` serves the embedded one.
"""
