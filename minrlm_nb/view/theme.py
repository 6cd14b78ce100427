"""The look of report and progress: one style sheet that follows the colours of whatever shows it.

Colours come from JupyterLab's variables, then VS Code's, then our own light or dark ones.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from .markup import Html

ROOT_CLASS: Final = "mrlm mathjax_ignore tex2jax_ignore"
"""Classes of the element around everything: our styles, and no dollar signs taken for formulas."""

# name: (JupyterLab's variable, VS Code's variable, light, dark)
_COLOURS: Final = {
    "fg": ("jp-content-font-color1", "vscode-foreground", "#1f2328", "#e6edf3"),
    "dim": ("jp-content-font-color2", "vscode-descriptionForeground", "#59636e", "#9198a1"),
    "bg": ("jp-layout-color1", "vscode-editor-background", "#ffffff", "#0d1117"),
    "soft": ("jp-layout-color2", "vscode-textCodeBlock-background", "#f6f8fa", "#161b22"),
    "code": ("jp-cell-editor-background", "vscode-textCodeBlock-background", "#f6f8fa", "#161b22"),
    "line": ("jp-border-color2", "vscode-panel-border", "#d9dee4", "#30363d"),
    "accent": ("jp-brand-color1", "vscode-textLink-foreground", "#0969da", "#4493f8"),
    "ok": ("jp-success-color1", "vscode-testing-iconPassed", "#1a7f37", "#3fb950"),
    "warn": ("jp-warn-color1", "vscode-editorWarning-foreground", "#9a6700", "#d29922"),
    "bad": ("jp-error-color1", "vscode-errorForeground", "#cf222e", "#f85149"),
    "k": ("jp-mirror-editor-keyword-color", "vscode-symbolIcon-keywordForeground", "#cf222e", "#ff7b72"),
    "s": ("jp-mirror-editor-string-color", "vscode-debugTokenExpression-string", "#0a3069", "#a5d6ff"),
    "n": ("jp-mirror-editor-number-color", "vscode-debugTokenExpression-number", "#0550ae", "#79c0ff"),
    "c": ("jp-mirror-editor-comment-color", "vscode-descriptionForeground", "#59636e", "#9198a1"),
    "d": ("jp-mirror-editor-def-color", "vscode-symbolIcon-functionForeground", "#8250df", "#d2a8ff"),
    "b": ("jp-mirror-editor-builtin-color", "vscode-symbolIcon-variableForeground", "#953800", "#ffa657"),
}

_RULES: Final = r"""
.mrlm{container-type:inline-size;color:var(--m-fg);font:13px/1.5 var(--jp-content-font-family,system-ui,sans-serif);
 max-width:960px;margin:2px 0 6px}
.mrlm *{box-sizing:border-box}
.mrlm .mrlm-card{background:var(--m-bg);border:1px solid var(--m-line);border-radius:8px;overflow:hidden}
.mrlm .mrlm-head{display:flex;gap:10px;align-items:baseline;padding:10px 14px;background:var(--m-soft);
 border-bottom:1px solid var(--m-line)}
.mrlm .mrlm-task{flex:1;min-width:0;font-weight:600;overflow-wrap:anywhere}
.mrlm .mrlm-chip{flex:none;padding:0 9px;border:1px solid;border-radius:10px;font-size:11px;line-height:18px;
 font-weight:600;white-space:nowrap}
.mrlm .mrlm-part{padding:10px 14px;border-top:1px solid var(--m-line)}
.mrlm .mrlm-head+.mrlm-part{border-top:0}
.mrlm .mrlm-label{color:var(--m-dim);font-size:11px;letter-spacing:.04em;text-transform:uppercase}
.mrlm .mrlm-answer{font-size:14px;white-space:pre-wrap;overflow-wrap:anywhere;max-height:360px;overflow:auto;
 margin:2px 0 0;padding:0}
.mrlm .mrlm-big{font-size:24px;line-height:1.35;font-weight:600}
.mrlm .mrlm-json{font-family:var(--jp-code-font-family,ui-monospace,Menlo,Consolas,monospace);font-size:12.5px}
.mrlm .mrlm-banner{font-size:12px;color:var(--m-warn);overflow-wrap:anywhere}
.mrlm .mrlm-banner::before{content:"\26a0\fe0e\a0\a0"}
.mrlm .mrlm-facts{display:flex;flex-wrap:wrap;gap:4px 22px;margin:0}
.mrlm .mrlm-fact{display:flex;flex-direction:column}
.mrlm .mrlm-value{font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.mrlm .mrlm-input{display:grid;grid-template-columns:minmax(0,1fr) minmax(140px,46%);gap:2px 14px;align-items:center;
 padding:2px 0}
.mrlm .mrlm-input .mrlm-note{margin:0}
.mrlm .mrlm-heat{position:relative;height:16px;border-radius:3px;overflow:hidden;line-height:0}
.mrlm .mrlm-heat img{width:100%;height:16px;display:block;margin:0;max-width:none}
.mrlm .mrlm-cells{position:absolute;inset:0;display:flex}
.mrlm .mrlm-cells span{flex:1}
.mrlm .mrlm-cells span:hover{box-shadow:inset 0 0 0 2px var(--m-accent)}
.mrlm .mrlm-cells .mrlm-spike{box-shadow:inset 0 -4px 0 #d6336c}
.mrlm code.mrlm-name,.mrlm pre.mrlm-pre,.mrlm pre.mrlm-tail{font-size:12px;font-family:var(--jp-code-font-family,
 ui-monospace,Menlo,Consolas,monospace)}
.mrlm .mrlm-card code.mrlm-name{color:var(--m-fg);background:none;padding:0}
.mrlm .mrlm-card .mrlm-says code.mrlm-name{background:var(--m-soft);padding:1px 4px;border-radius:3px}
.mrlm .mrlm-note{color:var(--m-dim);font-size:12px;margin:3px 0;overflow-wrap:anywhere}
.mrlm details>summary{cursor:pointer;list-style-position:inside}
.mrlm .mrlm-step{border-top:1px solid var(--m-line)}
.mrlm .mrlm-step>summary{display:flex;gap:10px;align-items:baseline;padding:7px 14px}
.mrlm .mrlm-step>summary:hover{background:var(--m-soft)}
.mrlm .mrlm-step>summary::before{content:"";flex:none;width:0;height:0;border:4px solid transparent;
 border-left:6px solid var(--m-dim);align-self:center;transition:transform .12s}
.mrlm .mrlm-step[open]>summary::before{transform:translateX(-2px) rotate(90deg)}
.mrlm .mrlm-step>summary::-webkit-details-marker{display:none}
.mrlm .mrlm-number{flex:none;font-weight:600;font-variant-numeric:tabular-nums}
.mrlm .mrlm-gist{flex:1;min-width:0;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.mrlm .mrlm-meta{flex:none;color:var(--m-dim);font-size:12px;font-variant-numeric:tabular-nums}
.mrlm .mrlm-body{padding:0 14px 12px 34px}
.mrlm .mrlm-says{white-space:pre-wrap;overflow-wrap:anywhere;margin:2px 0 8px;max-height:300px;overflow:auto}
.mrlm .mrlm-card pre.mrlm-pre{margin:6px 0;padding:8px 10px;border-radius:5px;background:var(--m-code);
 color:var(--m-fg);line-height:1.45;white-space:pre-wrap;overflow-wrap:anywhere;max-height:420px;overflow:auto;border:0}
.mrlm .mrlm-card pre.mrlm-source{border:1px solid var(--m-line)}
.mrlm .mrlm-card pre.mrlm-source code.mrlm-name{white-space:pre;word-break:normal;overflow-wrap:normal}
.mrlm .mrlm-card pre.mrlm-out{background:none;border-left:3px solid var(--m-line);border-radius:0;
 padding:2px 0 2px 10px;max-height:300px}
.mrlm .mrlm-card pre.mrlm-out.mrlm-stderr{border-color:var(--m-warn)}
.mrlm .mrlm-card pre.mrlm-out.mrlm-error{border-color:var(--m-bad);color:var(--m-bad)}
.mrlm .mrlm-card pre.mrlm-out.mrlm-result{border-color:var(--m-ok)}
.mrlm .mrlm-image{display:block;max-width:100%;margin:6px 0;border-radius:4px;background:#fff}
.mrlm .mrlm-calls{margin:8px 0 0}
.mrlm .mrlm-calls>summary{color:var(--m-dim);font-size:12px}
.mrlm .mrlm-call{padding:5px 0 5px 10px;border-left:3px solid var(--m-line);margin:5px 0;font-size:12px;
 white-space:pre-wrap;overflow-wrap:anywhere}
.mrlm .mrlm-card pre.mrlm-tail{margin:0;padding:8px 14px;border-top:1px solid var(--m-line);white-space:pre-wrap;
 overflow-wrap:anywhere;color:var(--m-dim);background:var(--m-bg);min-height:0;line-height:1.45}
.mrlm .mrlm-line{display:flex;flex-wrap:wrap;gap:4px 14px;padding:8px 14px;align-items:baseline;
 font-variant-numeric:tabular-nums}
.mrlm .mrlm-bar{height:3px;background:var(--m-line)}
.mrlm .mrlm-bar>span{display:block;height:3px;background:var(--m-accent)}
.mrlm .mrlm-ok{color:var(--m-ok)}.mrlm .mrlm-bad{color:var(--m-bad)}
.mrlm .mrlm-warn{color:var(--m-warn)}.mrlm .mrlm-busy{color:var(--m-accent)}
.mrlm .mrlm-k{color:var(--m-k);font-weight:600}.mrlm .mrlm-s{color:var(--m-s)}.mrlm .mrlm-n{color:var(--m-n)}
.mrlm .mrlm-c{color:var(--m-c);font-style:italic}.mrlm .mrlm-d{color:var(--m-d)}.mrlm .mrlm-b{color:var(--m-b)}
@container (max-width:560px){.mrlm .mrlm-input{grid-template-columns:1fr}.mrlm .mrlm-meta{display:none}
 .mrlm .mrlm-body{padding-left:14px}}
"""


@cache
def style_sheet() -> Html:
    """The ``<style>`` element; every rule keeps to what is inside ``.mrlm``."""
    light = _variables(2)
    dark = _variables(3)
    rules = "".join(line.strip() if line.startswith(" ") else line for line in _RULES.strip().splitlines())
    return Html(f"<style>.mrlm{{{light}}}@media(prefers-color-scheme:dark){{.mrlm{{{dark}}}}}{rules}</style>")


def _variables(own: int) -> str:
    return "".join(f"--m-{name}:var(--{all_[0]},var(--{all_[1]},{all_[own]}));" for name, all_ in _COLOURS.items())
