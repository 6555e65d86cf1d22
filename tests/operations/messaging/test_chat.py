"""Messages as the incoming webhooks of chats take them."""

import json

import pytest

from operations.messaging import chat

LINK = "https://crown.example.org/dashboards/health"
TITLE, TEXT = "[high] shop <b> & *down*", "No answer from <!channel> @all\nSeen [here](http://x)"


def body(channel, text=TEXT, link=LINK):
    return json.loads(chat.chat_body(channel, TITLE, text, link))


def test_slack_gets_its_markup_and_reads_none_in_what_is_quoted():
    assert body(chat.SLACK) == {
        "text": "*[high] shop &lt;b&gt; &amp; *down**\n"
        "No answer from &lt;!channel&gt; @all\nSeen [here](http://x)\n"
        f"<{LINK}|Open the page>"
    }


def test_mattermost_mentions_nobody_and_links_nowhere_else():
    text = body(chat.MATTERMOST)["text"]
    assert text.startswith("**\\[high\\] shop \\<b\\> & \\*down\\***\n")
    assert "@all" not in text
    assert "[here](" not in text
    assert text.endswith(f"[Open the page]({LINK})")


def test_teams_gets_an_adaptive_card():
    [attachment] = body(chat.TEAMS)["attachments"]
    assert attachment["contentType"] == chat.ADAPTIVE_CARD
    card = attachment["content"]
    assert [each["wrap"] for each in card["body"]] == [True, True]
    assert "[here](" not in card["body"][1]["text"]
    assert "\n\n" in card["body"][1]["text"]
    assert card["actions"] == [{"type": "Action.OpenUrl", "title": "Open the page", "url": LINK}]


@pytest.mark.parametrize("channel", sorted(chat.CHANNELS))
def test_without_an_address_there_is_no_link_and_a_long_text_is_cut(channel):
    whole = json.dumps(body(channel, "long " * 5_000, ""))
    assert "Open the page" not in whole
    assert "The rest is on the page." in whole
    assert len(whole) < 20_000


@pytest.mark.parametrize(
    ("channel", "status", "answer", "counted"),
    [
        (chat.TEAMS, 200, b"1", 200),
        (chat.TEAMS, 202, b"", 202),
        (chat.TEAMS, 200, b"Delivery failed: Teams returned HTTP error 429 with ContextId", 429),
        (chat.TEAMS, 400, b"HTTP error 429", 400),
        (chat.SLACK, 200, b"HTTP error 429", 200),
    ],
)  # fmt: skip
def test_the_status_of_teams_may_be_in_its_text(channel, status, answer, counted):
    assert chat.refused_status(channel, status, answer) == counted


def test_a_chat_says_in_a_word_why_it_refuses():
    assert chat.reason(b"no_service\n") == ": no_service"
    assert chat.reason(b"<html>secret-token</html>") == ""
