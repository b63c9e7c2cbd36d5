;;; driver.el --- what the tests ask of an Emacs  -*- lexical-binding: t -*-

(require 'json)
(require 'server)
(require 'flymake)
(require 'seq)

(setq server-socket-dir (file-name-directory (getenv "HOTPLATE_TEST_SOCKET"))
      server-name (file-name-nondirectory (getenv "HOTPLATE_TEST_SOCKET")))
(server-start)

(defun hotplate-test-buffer ()
  "The project's buffer: the first that visits a Python file."
  (seq-find (lambda (buffer) (string-suffix-p ".py" (or (buffer-file-name buffer) "")))
            (buffer-list)))

(defun hotplate-test-evaluate (form file)
  "Evaluate FORM in the project's buffer, and write its value to FILE as JSON."
  (with-current-buffer (or (hotplate-test-buffer) (current-buffer))
    (let ((value (json-encode (eval form t)))
          (coding-system-for-write 'utf-8))
      (write-region value nil file nil 'silent)
      t)))

(defun hotplate-test-question ()
  "The prompt that stands in the minibuffer, if one does."
  (when-let ((window (active-minibuffer-window)))
    (with-current-buffer (window-buffer window)
      (buffer-string))))

(defun hotplate-test-problems ()
  "Line, first and last column, and text of each problem that flymake shows here."
  (mapcar (lambda (problem)
            (save-excursion
              (let ((end (flymake-diagnostic-end problem)))
                (goto-char (flymake-diagnostic-beg problem))
                (vector (1- (line-number-at-pos))
                        (- (point) (line-beginning-position))
                        (- end (line-beginning-position))
                        (flymake-diagnostic-text problem)))))
          (flymake-diagnostics)))

(defun hotplate-test-told ()
  "All messages, and the log that lsp-mode keeps."
  (mapconcat (lambda (name)
               (if-let ((buffer (get-buffer name)))
                   (with-current-buffer buffer
                     (buffer-substring-no-properties (point-min) (point-max)))
                 ""))
             '("*Messages*" "*lsp-log*") "\n"))

(defun hotplate-test-lens-parts ()
  "The code lenses that lsp-mode shows here, as texts that can be clicked on."
  (apply #'append (mapcar (lambda (overlay) (overlay-get overlay 'lsp--metadata))
                          (overlays-in (point-min) (point-max)))))

(defun hotplate-test-lenses ()
  "The titles of the code lenses."
  (mapcar #'substring-no-properties (hotplate-test-lens-parts)))

(defun hotplate-test-click (title)
  "Do what a click on the code lens TITLE does."
  (let ((lens (seq-find (lambda (text) (string= text title)) (hotplate-test-lens-parts))))
    (call-interactively (lookup-key (get-text-property 0 'local-map lens) [mouse-1]))))
;;; driver.el ends here
