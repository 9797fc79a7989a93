// What the theme leaves out: where the page's own text is, and that what scrolls by itself is within reach of the keyboard.
document.querySelector('.col-content')?.setAttribute('role', 'main')
document.querySelector('.col-sidebar')?.setAttribute('role', 'complementary')
for (const scrolling of document.querySelectorAll('.tsd-typography table, pre')) scrolling.tabIndex = 0
