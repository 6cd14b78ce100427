"""Downloads one file from the Hugging Face hub, in a process of its own: ``python -m … REPO FILE FOLDER``.

The hub's client retries a dead network for half a minute, so we knock first and give up within seconds. Where the
hub is (``HF_ENDPOINT``), whether it may be asked (``HF_HUB_OFFLINE``) and the token are the client's own settings.
"""

from __future__ import annotations

import signal
import sys
import urllib.error
import urllib.request

KNOCK_S = 8
"""Seconds until a hub that does not answer counts as out of reach, its name's look-up included."""


def main(argv: list[str]) -> int:
    """Download; 0 when the file lies in the folder, 1 with a line on stderr when it can't be had."""
    repo, file, folder = argv
    try:
        from huggingface_hub import constants, hf_hub_download, hf_hub_url
    except ImportError:
        return _give_up("huggingface_hub is not installed; pip install 'minrlm-nb[local]'")
    if constants.HF_HUB_OFFLINE:
        return _give_up("HF_HUB_OFFLINE is set")
    if reason := _knock(hf_hub_url(repo, file)):
        return _give_up(f"{constants.ENDPOINT} can't be reached: {reason}")
    try:
        hf_hub_download(repo, file, local_dir=folder)
    except Exception as error:  # whatever it is, the parent's next source may still work
        return _give_up(f"{type(error).__name__}: {error}")
    return 0


def _knock(url: str) -> str:
    """Why the hub can't be reached, or nothing if it answered, whatever it said."""
    # The look-up of a name can't be given a time-out; the alarm ends this process, which the parent understands.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(KNOCK_S)
    try:
        request = urllib.request.Request(url, method="HEAD")  # noqa: S310  (the hub's own address)
        urllib.request.urlopen(request, timeout=KNOCK_S).close()  # noqa: S310
    except urllib.error.HTTPError as error:
        error.close()
    except urllib.error.URLError as error:
        return str(error.reason)
    except OSError as error:
        return str(error)
    finally:
        signal.alarm(0)
    return ""


def _give_up(reason: str) -> int:
    sys.stderr.write(f"{reason}\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
