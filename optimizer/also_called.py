"""What people type for what the data call otherwise: operators, chips, countries, software.

Hints: but for the names that operators have in bills, nothing is read as what it may have meant.
"""

from __future__ import annotations

import re

BILLED_AS = {
    "amazon web services": "aws", "amazon": "aws", "microsoft": "azure", "microsoft azure": "azure",
    "google": "gcp", "google cloud": "gcp", "google cloud platform": "gcp", "oracle": "oci", "oracle cloud": "oci",
}  # fmt: skip
"""Names of operators in bills, beside those of the catalogue."""
PROVIDERS = {
    **BILLED_AS,
    "amazon aws": "aws", "bedrock": "aws", "ec2": "aws", "aws govcloud": "aws-us-gov", "govcloud": "aws-us-gov",
    "aws china": "aws-cn", "gcloud": "gcp", "gce": "gcp", "vertex": "gcp", "msft": "azure", "ms azure": "azure",
    "ovh": "ovhcloud", "aliyun": "alibaba", "alibaba cloud": "alibaba", "alicloud": "alibaba", "ibm cloud": "ibm",
    "iliad": "scaleway", "3ds": "outscale", "3ds outscale": "outscale", "datacrunch": "verda",
    "lambda labs": "lambda", "lambdalabs": "lambda", "qcloud": "tencent", "bytedance": "volcengine",
    "volcano": "volcengine", "qianfan": "baidu", "schwarz": "stackit", "claude": "anthropic", "chatgpt": "openai",
    "do": "digitalocean",
}  # fmt: skip
CHIPS = {
    "4090": "RTX-4090", "rtx6000": "RTX-6000-Ada", "inf1": "Inferentia1", "inf2": "Inferentia2", 
    "trn1": "Trainium1", "trn2": "Trainium2", "trn3": "Trainium3", "hopper": "H100",
    "grace hopper": "GH200", "gracehopper": "GH200", "habana": "Gaudi1", "gaudi": "Gaudi1", "ascend": "Ascend-910B",
    "910b": "Ascend-910B",
}  # fmt: skip
SOFTWARE = {"nvidia": "cuda", "amd": "rocm", "google": "tpu", "amazon": "neuron", "inferentia": "neuron",
            "trainium": "neuron"}  # fmt: skip
PURCHASES = {"preemptible": "spot", "ondemand": "on_demand", "on-demand": "on_demand", "on demand": "on_demand",
             "payg": "on_demand", "ri": "reserved"}  # fmt: skip
PLACES = {
    "uk": "GB", "united kingdom": "GB", "great britain": "GB", "britain": "GB", "england": "GB", "el": "GR",
    "usa": "US", "u.s.": "US", "united states": "US", "america": "US", "uae": "AE", "united arab emirates": "AE",
    "ksa": "SA", "saudi arabia": "SA", "su": "RU", "russia": "RU", "south korea": "KR", "korea": "KR", "rok": "KR",
    "germany": "DE", "deutschland": "DE", "ger": "DE", "deu": "DE", "france": "FR", "fra": "FR", "spain": "ES",
    "esp": "ES", "italy": "IT", "ita": "IT", "poland": "PL", "pol": "PL", "netherlands": "NL", "holland": "NL",
    "nld": "NL", "belgium": "BE", "ireland": "IE", "irl": "IE", "sweden": "SE", "swe": "SE", "norway": "NO",
    "nor": "NO", "finland": "FI", "fin": "FI", "denmark": "DK", "dnk": "DK", "switzerland": "CH", "swiss": "CH",
    "che": "CH", "austria": "AT", "aut": "AT", "portugal": "PT", "prt": "PT", "greece": "GR", "grc": "GR",
    "czechia": "CZ", "czech republic": "CZ", "hungary": "HU", "romania": "RO", "bulgaria": "BG", "croatia": "HR",
    "slovakia": "SK", "slovenia": "SI", "estonia": "EE", "latvia": "LV", "lithuania": "LT", "luxembourg": "LU",
    "iceland": "IS", "turkey": "TR", "turkiye": "TR", "ukraine": "UA", "israel": "IL", "india": "IN", "ind": "IN",
    "china": "CN", "prc": "CN", "chn": "CN", "hong kong": "HK", "taiwan": "TW", "japan": "JP", "jpn": "JP",
    "singapore": "SG", "sgp": "SG", "malaysia": "MY", "indonesia": "ID", "thailand": "TH", "vietnam": "VN",
    "philippines": "PH", "australia": "AU", "aus": "AU", "new zealand": "NZ", "canada": "CA", "can": "CA",
    "mexico": "MX", "brazil": "BR", "brasil": "BR", "bra": "BR", "chile": "CL", "argentina": "AR", "colombia": "CO",
    "peru": "PE", "south africa": "ZA", "nigeria": "NG", "kenya": "KE", "egypt": "EG", "morocco": "MA", "qatar": "QA",
    "kuwait": "KW", "bahrain": "BH", "oman": "OM", "pakistan": "PK", "bangladesh": "BD",
}  # fmt: skip

_NAMES = (PROVIDERS, SOFTWARE, PURCHASES, PLACES)
_SPLIT = re.compile(r"[^a-z0-9]+")
_MEMORY = re.compile(r"(\d+)(?:gb?|gib)")
_NOISE = frozenset({"nvidia", "amd", "tesla", "geforce", "instinct", "google", "aws", "intel", "huawei", "gpu", "cloud",
                    "sxm", "sxm2", "sxm4", "sxm5", "hbm2", "hbm2e", "hbm3", "hbm3e", "tensor", "core"})  # fmt: skip


def meant_by(name: str, choices: list[str]) -> list[str]:
    """Return those of the choices that a name is another name of: by a table, its spelling, its parts."""
    known = set(choices)
    lowered = name.strip().lower()
    found = [table[lowered] for table in _NAMES if table.get(lowered) in known]
    chip = CHIPS.get(lowered) or CHIPS.get(lowered.replace(" ", "").replace("-", ""))
    if chip in known:
        found.append(str(chip))
    if not found:
        spelled = _SPLIT.sub("", lowered)
        found = [one for one in choices if spelled and _SPLIT.sub("", one.lower()) == spelled]
    if not found and ":" not in lowered:
        found = [one for one in choices if one.lower().endswith(f":{lowered}") and one.count(":") == 1]
    return list(dict.fromkeys(found or _chips(lowered, choices)))


def _chips(name: str, choices: list[str]) -> list[str]:
    """Return the chips that a name with maker, memory or form means: `H100-80GB`, `nvidia-a100`, `A100 80GB SXM`."""
    parts = [part for part in _SPLIT.split(name) if part and part not in _NOISE]
    if not parts or not any(part[0].isalpha() and any(one.isdigit() for one in part) for part in parts):
        return []
    with_memory = "".join(_MEMORY.sub(r"\1", part) for part in parts)
    without = "".join(part for part in parts if not _MEMORY.fullmatch(part) and not part.isdigit())
    spelled = {one: _SPLIT.sub("", one.lower()) for one in choices}
    for form in (with_memory, without):
        found = [one for one, text in spelled.items() if text == form]
        if found:
            return found
    return [one for one in choices if without and one.lower().startswith((f"{without}-", f"{without}x"))][:3]


def holding(name: str, choices: list[str]) -> list[str]:
    """Return up to three choices that hold a name of five letters at least, however it is spelled: `llama-3.1-8b`."""
    spelled = _SPLIT.sub("", name.lower())
    return [one for one in choices if len(spelled) >= 5 and spelled in _SPLIT.sub("", one.lower())][:3]
