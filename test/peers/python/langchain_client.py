"""https://docs.langchain.com/oss/python, its models of OpenAI and Anthropic."""

import functools

from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from stage import ANTHROPIC, KEY, MODEL, OPENAI, PIXEL, REFUSED, SEEN, left, raises, said, tried


class Place(BaseModel):
    """Where it is."""

    city: str


def tool(name):
    """A model of the same form under the name of a tool."""
    return type(name, (Place,), {"__doc__": name})


class Client:
    def stream(self):
        chunks = list(self.model(stream_usage=True).stream("one two three"))
        parts = [chunk.text for chunk in chunks if chunk.text]
        assert parts == ["You", " said", " one", " two", " three"], parts
        usage = functools.reduce(lambda all, chunk: all + chunk, chunks).usage_metadata
        assert (usage["input_tokens"], usage["output_tokens"]) == (12, 7), usage

    def loop(self, names):
        bound = self.model().bind_tools([tool(name) for name in names])
        question = HumanMessage("use the tools")
        first = functools.reduce(lambda all, chunk: all + chunk, bound.stream([question]))
        assert [call["name"] for call in first.tool_calls] == names, first.tool_calls
        results = [
            ToolMessage(f"{call['name']} of {call['args']['city']}", tool_call_id=call["id"])
            for call in first.tool_calls
        ]
        assert bound.invoke([question, first, *results]).text == said(names)

    def tools_loop(self):
        self.loop(["weather"])

    def parallel_tools(self):
        self.loop(["weather", "time"])

    def structured_output(self):
        assert self.model().with_structured_output(Place).invoke("where?").city == "simulated"

    def vision(self):
        url = {"url": f"data:image/png;base64,{PIXEL}"}
        content = [{"type": "text", "text": "what is it?"}, {"type": "image_url", "image_url": url}]
        assert self.model().invoke([HumanMessage(content)]).text == SEEN

    def abort(self):
        text = f"talk on and on to {self.package} {self.dialect}"
        stream = self.model().stream(text)
        next(chunk for chunk in stream if chunk.text)
        stream.close()
        left(text)

    def timeout(self):
        text = f"hang for {self.package} {self.dialect}"
        raises(Exception, lambda: self.model(timeout=0.3, max_retries=0).invoke(text))
        left(text)

    def retries(self):
        text = f"status 500 for {self.package} {self.dialect}"
        raises(Exception, lambda: self.model().invoke(text))
        tried(text)

    def errors(self):
        for model, text, status in REFUSED:
            asked = self.model(model=model, max_retries=0)
            error = raises(Exception, lambda: asked.invoke(text))
            assert error.status_code == status, error


class Chat(Client):
    package, dialect = "langchain-openai", "Chat Completions"

    def model(self, model=MODEL, **options):
        return ChatOpenAI(model=model, api_key=KEY, base_url=OPENAI, **options)


class Responses(Client):
    package, dialect = "langchain-openai", "Responses"

    def model(self, model=MODEL, **options):
        return ChatOpenAI(
            model=model, api_key=KEY, base_url=OPENAI, use_responses_api=True, **options
        )


class Messages(Client):
    package, dialect = "langchain-anthropic", "Messages"

    def model(self, model=MODEL, **options):
        return ChatAnthropic(model=model, api_key=KEY, base_url=ANTHROPIC, max_tokens=100, **options)


CLIENTS = [Chat, Responses, Messages]
