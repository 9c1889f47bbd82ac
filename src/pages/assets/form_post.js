/* response_mode=form_post: the form goes on by itself; its button is for browsers without scripts. */
document.getElementById("form_post").submit();
