"""Reports as one HTML file: `plan_page` and `study_page` make a page as plain data, `page_html` writes it.

    view.py        what a page consists of
    first.py …     one module for each part of it: from a plan or a study to sections
    write.py       from a page to HTML (templates/), with charts drawn as SVG
"""
