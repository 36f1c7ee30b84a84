"""Every feature with every client: one line of JSON each."""

import importlib.metadata
import json
import sys
import traceback

import anthropic_client
import langchain_client
import llama_index_client
import openai_client

FEATURES = [
    "stream",
    "tools loop",
    "parallel tools",
    "structured output",
    "vision",
    "abort",
    "timeout",
    "retries",
    "errors",
]

for module in [openai_client, anthropic_client, langchain_client, llama_index_client]:
    for kind in module.CLIENTS:
        client = kind()
        for feature in FEATURES:
            line = {
                "package": client.package,
                "version": importlib.metadata.version(client.package),
                "dialect": client.dialect,
                "feature": feature,
                "note": getattr(client, "notes", {}).get(feature),
            }
            try:
                getattr(client, feature.replace(" ", "_"))()
            except Exception:
                line["error"] = traceback.format_exc()[-2000:]
            print(json.dumps(line), flush=True)
sys.exit(0)
