"""https://developers.llamaindex.ai/python, its models for OpenAI's interface."""

import base64
import gc

from llama_index.core.llms import ChatMessage, ImageBlock, TextBlock
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel

from stage import KEY, MODEL, OPENAI, PIXEL, REFUSED, SEEN, left, raises, said, tried


class Place(BaseModel):
    """Where it is."""

    city: str


def tool(name):
    def function(city: str) -> str:
        return f"{name} of {city}"

    return FunctionTool.from_defaults(function, name=name, description=name)


class Client:
    def stream(self):
        parts = [part.delta for part in self.model().stream_complete("one two three") if part.delta]
        assert parts == ["You", " said", " one", " two", " three"], parts

    def loop(self, names):
        model = self.model()
        tools = {name: tool(name) for name in names}
        question = ChatMessage(role="user", content="use the tools")
        first = model.chat_with_tools(
            list(tools.values()), chat_history=[question], allow_parallel_tool_calls=True
        )
        calls = model.get_tool_calls_from_response(first)
        assert [call.tool_name for call in calls] == names, calls
        results = [
            ChatMessage(
                role="tool",
                content=str(tools[call.tool_name](**call.tool_kwargs).raw_output),
                additional_kwargs={"tool_call_id": call.tool_id},
            )
            for call in calls
        ]
        last = model.chat_with_tools(
            list(tools.values()), chat_history=[question, first.message, *results]
        )
        assert last.message.content == said(names), last

    def tools_loop(self):
        self.loop(["weather"])

    def parallel_tools(self):
        self.loop(["weather", "time"])

    def structured_output(self):
        asked = self.model().as_structured_llm(Place)
        assert asked.complete("where?").raw.city == "simulated"

    def vision(self):
        image = ImageBlock(image=base64.b64decode(PIXEL), image_mimetype="image/png")
        question = ChatMessage(role="user", blocks=[TextBlock(text="what is it?"), image])
        assert self.model().chat([question]).message.content == SEEN

    def abort(self):
        text = f"talk on and on to {self.package}"
        stream = self.model().stream_complete(text)
        next(part for part in stream if part.delta)
        # It has no way to say so: the connection goes with the last reference.
        del stream
        gc.collect()
        left(text)

    def timeout(self):
        text = f"hang for {self.package}"
        raises(Exception, lambda: self.model(timeout=0.3, max_retries=0).complete(text))
        left(text)

    def retries(self):
        text = f"status 500 for {self.package}"
        # Its own loop repeats whatever the answer says: three times unless told otherwise.
        raises(Exception, lambda: self.model(max_retries=0).complete(text))
        tried(text)

    def errors(self):
        for model, text, status in REFUSED:
            asked = self.model(model=model, max_retries=0)
            error = raises(Exception, lambda: asked.complete(text))
            assert error.status_code == status, error


class Chat(Client):
    package, dialect = "llama-index-llms-openai-like", "Chat Completions"
    notes = {"retries": "`max_retries=0`"}

    def model(self, model=MODEL, **options):
        kind = {"is_chat_model": True, "is_function_calling_model": True}
        return OpenAILike(model=model, api_key=KEY, api_base=OPENAI, **kind, **options)


CLIENTS = [Chat]
