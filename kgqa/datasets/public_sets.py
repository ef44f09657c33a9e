"""The entries of the benchmarks over public graphs, which do not come along: Wikidata, DBpedia, Freebase, databases.

Licences are as the sets state them; counts as they are published.
"""

from __future__ import annotations

from collections.abc import Mapping

from kgqa.datasets.benchmark import Benchmark, Reader, Split
from kgqa.datasets.documents import records, tabbed
from kgqa.datasets.freebase_sets import (
    complex_questions,
    complex_web_questions,
    grailqa,
    simple_questions,
    web_questions,
    webqsp,
    webqsp_links,
)
from kgqa.datasets.qald import read_qald_json, read_qald_xml
from kgqa.datasets.query_sets import (
    dialogue,
    fields,
    lcquad1,
    lcquad2_regrouped,
    overnight,
    query_line,
    read_dblp_quad,
    read_parallel_lists,
    span_relation,
    table,
    template_sentences,
    topic_and_answers,
    wikitable_question,
)
from kgqa.datasets.wikidata_sets import lcquad2, mintaka, simple_questions_wikidata, temp_questions

_TO = "https://github.com/"
_QALD = "answers, SPARQL"
_SQL = "SQL"
_UNSTATED = "none stated"


def _set(
    name: str,
    title: str,
    knowledge_graph: str,
    gold: str,
    licence: str,
    source: str,
    read: Reader,
    splits: Mapping[str, tuple[str, int | None]],
    languages: str = "en",
) -> Benchmark:
    """Return a benchmark whose splits are one file each; `source` without a scheme is a GitHub repository."""
    return Benchmark(
        name, title, {split: Split((file,), count) for split, (file, count) in splits.items()}, read, gold,
        knowledge_graph, licence, source if "://" in source else _TO + source, tuple(languages.split()),
    )  # fmt: skip


_MANY = "en de es it fr nl pt ro fa hi-in ru pt-br"

PUBLIC_SETS = (
    # -- QALD
    _set(
        "qald-10", "QALD-10", "Wikidata", _QALD, "MIT", "KGQA/QALD-10", read_qald_json,
        {"test": ("qald_10.json|data/qald_10/qald_10.json", 394)}, "en zh de ru",
    ),
    _set(
        "qald-9-plus-dbpedia", "QALD-9-plus", "DBpedia", _QALD, "CC BY 4.0", "KGQA/QALD_9_plus", read_qald_json,
        {split: (f"qald_9_plus_{split}_dbpedia.json|data/qald_9_plus_{split}_dbpedia.json", count)
         for split, count in (("train", 408), ("test", 150))}, "en de ru uk lt be ba es hy fr",
    ),
    _set(
        "qald-9-plus-wikidata", "QALD-9-plus", "Wikidata", _QALD, "CC BY 4.0", "KGQA/QALD_9_plus", read_qald_json,
        {split: (f"qald_9_plus_{split}_wikidata.json|data/qald_9_plus_{split}_wikidata.json", count)
         for split, count in (("train", 371), ("test", 136))}, "en de ru uk lt be ba es hy fr",
    ),
    _set(
        "qald-9", "QALD-9", "DBpedia 2016-10", _QALD, _UNSTATED, "ag-sc/QALD", read_qald_json,
        {"train": ("qald-9-train-multilingual.json", 408), "test": ("qald-9-test-multilingual.json", 150)}, _MANY,
    ),
    _set(
        "qald-8", "QALD-8", "DBpedia 2016-10", _QALD, _UNSTATED, "ag-sc/QALD", read_qald_json,
        {"train": ("qald-8-train-multilingual.json", 219), "test": ("qald-8-test-multilingual.json", 41)}, _MANY,
    ),
    _set(
        "qald-7-wikidata", "QALD-7, task 4", "Wikidata", _QALD, _UNSTATED, "ag-sc/QALD", read_qald_json,
        {"train": ("qald-7-train-en-wikidata.json", 100), "test": ("qald-7-test-en-wikidata.json", 50)},
    ),
    _set(
        "qald-6-datacube", "QALD-6, task 3", "LinkedSpending", _QALD, _UNSTATED, "ag-sc/QALD", read_qald_json,
        {"train": ("qald-6-train-datacube.json", 100), "test": ("qald-6-test-datacube.json", 50)},
    ),
    _set(
        "qald-5", "QALD-5", "DBpedia 2014", _QALD, _UNSTATED, "ag-sc/QALD", read_qald_xml,
        {"train": ("qald-5_train.xml", 340), "test": ("qald-5_test.xml", 59)}, "en de es it fr nl ro",
    ),
    _set(
        "qald-4-biomedical", "QALD-4, task 2", "SIDER, Diseasome, DrugBank", _QALD, _UNSTATED, "ag-sc/QALD",
        read_qald_xml, {"train": ("qald-4_biomedical_train_withanswers.xml", 25),
                        "test": ("qald-4_biomedical_test_withanswers.xml", 25)},
    ),
    _set(
        "qald-musicbrainz", "QALD-2/3 over MusicBrainz", "MusicBrainz", _QALD, _UNSTATED, "ag-sc/QALD", read_qald_xml,
        {"train": ("musicbrainz-train-answers.xml", 100), "test": ("musicbrainz-test.xml", 55)}, "en de es it fr nl",
    ),
    # -- DBpedia, DBLP
    _set(
        "lcquad-1", "LC-QuAD 1", "DBpedia 2016-04", "SPARQL", "GPL-3.0", "AskNowQA/LC-QuAD", records(lcquad1),
        {"train": ("train-data.json", 4_000), "test": ("test-data.json", 1_000)},
    ),
    _set(
        "vquanda", "VQuAnDa: LC-QuAD 1 with answer sentences", "DBpedia 2016-04", "SPARQL", "CC BY 4.0",
        "AskNowQA/VQUANDA", records(fields(name="uid", sparql="query", extra=("verbalized_answer",))),
        {split: (f"{split}.json|dataset/{split}.json", count) for split, count in (("train", 4_000), ("test", 1_000))},
    ),
    _set(
        "dblp-quad", "DBLP-QuAD", "DBLP", "SPARQL, answers where answers.json lies beside", "CC BY 4.0",
        "awalesushil/DBLP-QuAD", read_dblp_quad,
        {split: (f"{split}_questions.json|data/{split}/questions.json|{split}/questions.json", count)
         for split, count in (("train", 7_000), ("valid", 1_000), ("test", 2_000))},
    ),
    # -- Wikidata
    _set(
        "lcquad-2", "LC-QuAD 2", "Wikidata", "SPARQL", "CC BY 4.0", "AskNowQA/LC-QuAD2.0", records(lcquad2),
        {split: (f"{split}.json|dataset/{split}.json", count) for split, count in (("train", 24_180), ("test", 6_046))},
    ),
    _set(
        "lcquad-2-regrouped", "LC-QuAD 2 as regrouped by Jiang and Usbeck (2022)", "Wikidata", "SPARQL", "Apache-2.0",
        "KGQA/KGQA-datasets-generalization", records(lcquad2_regrouped, "questions"),
        {"original-test": ("orig_split/lcquad2_test_original.json", 6_044),
         "valid": ("new_split/dataset-lcquad2-valid.json", 3_267),
         "test": ("new_split/dataset-lcquad2-test.json", 6_633),
         "union": ("lcquad2_union_unique.jsonl", 13_937)},
    ),
    _set(
        "simplequestions-wikidata", "SimpleQuestions over Wikidata", "Wikidata", "one answer, relation, topic entity",
        "CC BY 3.0", "askplatypus/wikidata-simplequestions", tabbed(simple_questions_wikidata),
        {f"{split}{kind}": (f"annotated_wd_data_{split}{kind}.txt", count)
         for split, kind, count in (("train", "", 34_374), ("valid", "", 4_867), ("test", "", 9_961),
                                    ("train", "_answerable", 19_481), ("valid", "_answerable", 2_821),
                                    ("test", "_answerable", 5_622))},
    ),
    _set(
        "mintaka", "Mintaka", "Wikidata", "answers, entities", "CC BY 4.0", "amazon-science/mintaka", records(mintaka),
        {split: (f"mintaka_{split}.json|data/mintaka_{split}.json", count)
         for split, count in (("train", 14_000), ("dev", 2_000), ("test", 4_000))}, "en ar de es fr hi it ja pt",
    ),
    _set(
        "wikiwebquestions", "WikiWebQuestions", "Wikidata", "SPARQL", "Apache-2.0", "stanford-oval/spinach",
        records(query_line), {"dev": ("wwq_dev.json", 454), "test": ("wwq_test.json", 1_431)},
    ),
    _set(
        "spinach", "SPINACH", "Wikidata", "SPARQL", "CC BY-SA 4.0", "stanford-oval/spinach",
        records(fields(sparql="sparql", extra=("title",))),
        {"dev": ("spinach_dev.json", 155), "test": ("spinach_test.json", 165)},
    ),
    _set(
        "qald-spinach", "QALD-7 and QALD-9-plus as SPINACH keeps them", "Wikidata", "SPARQL", "Apache-2.0",
        "stanford-oval/spinach", records(query_line),
        {"qald-9-plus-train": ("qald9plus_wikidata_train.json", 371),
         "qald-9-plus-test": ("qald9plus_wikidata_test.json", 136), "qald-7-test": ("qald7_task4_test.json", 50)},
    ),
    _set(
        "tempquestions", "TempQuestions", "Freebase, Wikidata", "answers by name; ids in v2", _UNSTATED,
        "yukk199811/The-TemporalQA", records(temp_questions),
        {"v1": ("TempQuestions.json", 1_271), "v2": ("TempQuestionV2_QidAnswer_total_1hop.json", 2_371)},
    ),
    _set(
        "vanilla", "VANiLLa", "Wikidata", "one answer's name", "CC BY 4.0", "AskNowQA/VANiLLa",
        records(fields(name="question_id", labels="answer", extra=("answer_sentence",))),
        {"train": ("Final_Dataset_Train.json", 6_850), "test": ("Final_Dataset_Test.json", 1_712)},
    ),
    # -- Freebase
    _set(
        "simplequestions", "SimpleQuestions", "Freebase", "one answer, relation, topic entity", "CC BY 3.0",
        "https://research.facebook.com/downloads/babi/", tabbed(simple_questions),
        {split: (f"annotated_fb_data_{split}.txt", count)
         for split, count in (("train", 75_910), ("valid", 10_845), ("test", 21_687))},
    ),
    _set(
        "simplequestions-buboqa", "SimpleQuestions with tagged words (BuboQA)", "Freebase",
        "one answer, relation, topic entity and its words", "CC BY 3.0", "castorini/BuboQA", tabbed(simple_questions),
        {"train": ("train.txt", None), "valid": ("valid.txt", 10_815), "test": ("test.txt", 21_687)},
    ),
    _set(
        "webqsp", "WebQSP", "Freebase", "answers, SPARQL, relation path", "Microsoft Research Data License",
        "https://www.microsoft.com/en-us/download/details.aspx?id=52763", records(webqsp, "Questions"),
        {split: (f"WebQSP.{split}.json|data/WebQSP.{split}.json", count)
         for split, count in (("train", 3_098), ("test", 1_639))},
    ),
    _set(
        "webqsp-links", "WebQSP with linked entities", "Wikidata, Freebase", "entities", _UNSTATED,
        "UKPLab/coling2018-graph-neural-networks-question-answering", records(webqsp_links),
        {"train": ("webqsp.train.entities.json", 3_098), "test": ("webqsp.test.entities.with_classes.json", 1_639)},
    ),
    _set(
        "cwq", "ComplexWebQuestions", "Freebase", "SPARQL, answers but for test", _UNSTATED,
        "https://www.tau-nlp.org/compwebq", records(complex_web_questions),
        {split: (f"ComplexWebQuestions_{split}.json|ComplexWebQuestions_{split}_wans.json", count)
         for split, count in (("train", 27_639), ("dev", 3_519), ("test", 3_531))}
        | {"test-tog": ("tog_cwq_test.json", 3_531)},
    ),
    _set(
        "grailqa", "GrailQA", "Freebase", "answers, SPARQL, entities", "Apache-2.0", "dki-lab/GrailQA",
        records(grailqa),
        {split: (f"grailqa_v1.0_{name}.json|GrailQA_v1.0/grailqa_v1.0_{name}.json", count)
         for split, name, count in (("dev", "dev", 6_763), ("train", "train", 44_337), ("test", "test_public", 13_231))}
        | {"sample": ("grailqa.json|tog_graliqa.json", 1_000)},
    ),
    _set(
        "free917", "Free917", "Freebase", "lambda-DCS", "Apache-2.0", "percyliang/sempre",
        records(fields("utterance", extra=("targetFormula",))),
        {split: (f"free917.{split}.examples.canonicalized.json", count)
         for split, count in (("train", 641), ("test", 276))},
    ),
    _set(
        "webquestions", "WebQuestions in YodaQA's layout", "Freebase", "answers by name", "CC BY 4.0",
        "brmson/dataset-factoid-webquestions", records(web_questions),
        {split: (f"main/{split}.json", count)
         for split, count in (("trainmodel", 2_834), ("devtest", 189), ("val", 755), ("test", 2_032))},
    ),
    _set(
        "complexquestions", "ComplexQuestions", "Freebase", "answers by name", _UNSTATED, "JunweiBao/MulCQA",
        tabbed(complex_questions),
        {"train": ("compQ.train.release", 1_300), "test": ("compQ.test.release", 800)},
    ),
    _set(
        "tree-qald", "SimpleQuestions with subject spans", "Freebase", "relation, topic entity's words", _UNSTATED,
        "StanciuMarius/tree-qald", records(span_relation),
        {"valid": ("sq_valid_normalized.json", 1_393), "test": ("sq_test_normalized.json", 3_574)},
    ),
    _set(
        "think-on-graph", "samples of Think-on-Graph", "Freebase, Wikidata", "answers by name", _UNSTATED,
        "GasolSun36/ToG", records(topic_and_answers),
        {"simplequestions": ("tog_SimpleQA.json", 1_000), "webquestions": ("tog_WebQuestions.json", 2_032),
         "qald-10": ("tog_qald_10-en.json", 333)},
    ),
    _set(
        "webqsp-paths", "WebQSP and CWQ with Freebase paths", "Freebase", "relation paths", _UNSTATED, "cmavro/GNN-RAG",
        records(fields(extra=("ground_truth",))),
        {"train": ("webqsp_train_relation_paths.jsonl", 2_826), "val": ("webqsp_val_relation_paths.jsonl", 246),
         "test": ("webqsp_test_relation_paths.jsonl", 1_628), "test-gnn": ("webqsp_test_gnnrag_paths.jsonl", 1_628),
         "cwq-test": ("cwq_test_relation_paths.jsonl", 3_531)},
    ),
    # -- many graphs
    _set(
        "query-lines", "questions with SPARQL, an object a line (GRASP's collection)", "the query names it", "SPARQL",
        "each set's own", "ad-freiburg/grasp", records(query_line),
        {split: (f"{split}.jsonl", None) for split in ("val", "test", "train", "all")},
    ),
    _set(
        "lms4text2sparql", "CoyPu and an organization", "CoyPu sample", "SPARQL", _UNSTATED, "AKSW/LMs4Text2SPARQL",
        read_parallel_lists,
        {"coypu-train": ("train_split_coypu.json", 105), "coypu-test": ("test_split_coypu.json", 26),
         "orga-train": ("train_split_orga.json", 53), "orga-test": ("test_split_orga.json", 16)},
    ),
    _set(
        "spider4sparql", "Spider4SPARQL", "20 databases as ontologies", "SPARQL", "Apache-2.0", "ckosten/Spider4SPARQL",
        records(fields(sparql="query", extra=("kg_name",))), {"dev": ("dev.json", 1_034)},
    ),
    _set(
        "overnight", "Overnight", "eight small domains", "lambda-DCS", _UNSTATED, "percyliang/sempre",
        tabbed(overnight),
        {f"{domain}-{split}": (f"overnight/{domain}_{split}.tsv", count)
         for domain, train, test in (
             ("basketball", 1_561, 391), ("blocks", 1_596, 399), ("calendar", 669, 168), ("housing", 752, 189),
             ("publications", 640, 161), ("recipes", 864, 216), ("restaurants", 1_325, 332),
             ("socialnetwork", 3_535, 884))
         for split, count in (("train", train), ("test", test))},
    ),
    # -- databases: python -m kgqa.training.tabular turns those whose tables come along into graphs
    _set(
        "spider", "Spider with Spider-Syn's wordings", "200 databases", _SQL, "MIT", "ygan/Spider-Syn",
        records(fields("SpiderQuestion", extra=("SpiderSynQuestion", "query", "db_id"))),
        {"train": ("spider_syn_train.json|Spider-Syn/train_spider.json", 7_000),
         "dev": ("spider_syn_dev.json|Spider-Syn/dev.json", 1_034)},
    ),
    _set(
        "spider-dk", "Spider-DK", "10 databases", _SQL, "MIT", "ygan/Spider-DK",
        records(fields(extra=("query", "db_id", "type"))), {"dev": ("Spider-DK.json", 535)},
    ),
    _set(
        "sparc", "SParC and CoSQL: dialogues", "Spider's databases", _SQL, "CC BY-SA 4.0", "ryanzhumich/editsql",
        records(dialogue), {"sparc-dev": ("sparc_dev.json", 1_203), "cosql-dev": ("cosql_dev.json", 1_007)},
    ),
    _set(
        "text2sql", "ATIS, Advising, Scholar, Academic, IMDB, Yelp", "a database each", _SQL, "see its LICENSE.md",
        "jkkummerfeld/text2sql-data", records(template_sentences),
        {name: (f"{name}.json|data/{name}.json", count) for name, count in (
            ("atis", 5_280), ("advising", 4_387), ("scholar", 817), ("academic", 196), ("imdb", 131), ("yelp", 128))},
    ),
    _set(
        "text2cypher", "text2cypher, written by a language model", "16 property graphs", "Cypher", "CC0 1.0",
        "neo4j-labs/text2cypher", table(fields(name="", extra=("cypher", "database", "type"))),
        {"claudeopus": ("text2cypher_claudeopus.csv", 4_970), "gpt4turbo": ("text2cypher_gpt4turbo.csv", 9_846)},
    ),
    _set(
        "wikitablequestions", "WikiTableQuestions", "2,108 tables", "answers by name", "CC BY-SA 4.0",
        "ppasupat/WikiTableQuestions",
        table(wikitable_question, tabs=True),
        {"train": ("data/training.tsv", 14_152), "test": ("data/pristine-unseen-tables.tsv", 4_344),
         "seen": ("data/pristine-seen-tables.tsv", 3_537)},
    ),
)  # fmt: skip
